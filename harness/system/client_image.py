"""The image ``clients``: where it has what clients need, and how what is no package is made in it.

Debian's headless JRE brings the Java compiler as a module without a command of its own (measured, openjdk
21), so the helper is compiled once, by the image itself: a JVM starts in 0.3 s then, and in 1.2 s when it
compiles the helper at every start. The Node client is no Debian package: npm of the building machine fetches
it, pinned by its lock file. Without npm the image is built without that client.

A client whose program no other one needs brings an image of its own along (docs/adding-a-client.md).
"""

from __future__ import annotations

from typing import Final

from harness.system import resources
from harness.system.image import BuildStep, Image

IMAGE: Final = "clients"
SOURCES: Final = resources.path("clients", "programs")

_JAVA_HOME: Final = "/usr/lib/jvm/default-java"
JAVA: Final = f"{_JAVA_HOME}/bin/java"
_COMPILER: Final = (JAVA, "-m", "jdk.compiler/com.sun.tools.javac.Main")
JAVA_ENV: Final = {"LD_LIBRARY_PATH": f"{_JAVA_HOME}/lib"}
"""Without /proc the loader cannot tell where java lies, nor so find its libraries beside it (measured)."""
JCIFS_JAR: Final = "/usr/share/java/jcifs.jar"
JAVA_CLASSES: Final = "/opt/rehearsal"
NODE_MODULES: Final = "/opt/node/node_modules"
NODE_CLIENT: Final = f"{NODE_MODULES}/@awo00/smb2/package.json"


def source(name: str) -> str:
    """The text of a helper program, which its interpreter gets as an argument."""
    return (SOURCES / name).read_text("utf-8")


CLIENTS: Final = Image(
    IMAGE,
    "trixie",
    True,
    "Client programs of Debian 13: Java with jcifs, Node.js, rclone, libsmb2, Python",
    (
        "base-files",
        "python3",
        "python3-smbc",
        "default-jre-headless",
        "libjcifs-java",
        "rclone",
        "nodejs",
        "libsmb2-6",
        "util-linux",
    ),
    steps=(
        BuildStep(
            "the Java helper",
            JAVA_CLASSES,
            (*_COMPILER, "-cp", JCIFS_JAR, "-d", JAVA_CLASSES, f"{JAVA_CLASSES}/Jcifs.java"),
            files=(SOURCES / "Jcifs.java",),
            env=JAVA_ENV,
        ),
        BuildStep(
            "the Node client",
            "/opt/node",
            ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            files=(SOURCES / "node" / "package.json", SOURCES / "node" / "package-lock.json"),
            on_this_machine=True,
            optional=True,
        ),
    ),
    rooms=2,
)
