"""The image ``clients``: where it has what clients need, and where the sources of their helpers are."""

from __future__ import annotations

from typing import Final

from harness.system import resources
from harness.system.image import Image

IMAGE: Final = "clients"
SOURCES: Final = resources.path("clients", "programs")

_JAVA_HOME: Final = "/usr/lib/jvm/default-java"
JAVA: Final = f"{_JAVA_HOME}/bin/java"
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
    helpers=True,
    rooms=2,
)
