"""What the image of client programs has beside Debian's packages: the Java helper and the Node client.

Debian's headless JRE brings the Java compiler as a module without a command of its own (measured, openjdk
21), so the helper is compiled once, by the image itself: a JVM starts in 0.3 s then, and in 1.2 s when it
compiles the helper at every start. The Node client is no Debian package: npm of the building machine fetches
it, pinned by its lock file. Without npm the image is built without that client.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.system import process
from harness.system.client_image import JAVA, JAVA_CLASSES, JAVA_ENV, JCIFS_JAR, NODE_MODULES, SOURCES
from harness.system.environment import tool_path, tools

_JAVA_SOURCE: Final = "Jcifs.java"
_NODE_FILES: Final = ("package.json", "package-lock.json")
_SECONDS: Final = 300.0


def recipe() -> str:
    """A digest of the files that are built into the image."""
    digest = hashlib.sha256()
    for path in (SOURCES / _JAVA_SOURCE, *(SOURCES / "node" / name for name in _NODE_FILES)):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def add(root: Path) -> None:
    """Add the helpers to the root file system of an image.

    Raises LabFault when the Java helper cannot be compiled; a Node client that cannot be had is left out.
    """
    _compile(root)
    if npm():
        _install_node(root)
    _open_up(root / "opt")


def npm() -> str | None:
    """Where npm(1) of this machine is."""
    return shutil.which("npm", path=tool_path())


def _open_up(folder: Path) -> None:
    """Let everybody read it, whatever the umask of the caller."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def _compile(root: Path) -> None:
    classes = root / JAVA_CLASSES.lstrip("/")
    classes.mkdir(parents=True)
    shutil.copy(SOURCES / _JAVA_SOURCE, classes)
    enter = (
        ["chroot", str(root)]
        if os.geteuid() == 0
        else ["unshare", "--user", "--map-root-user", f"--root={root}"]
    )
    compiler = [JAVA, "-m", "jdk.compiler/com.sun.tools.javac.Main"]
    process.run(
        [*enter, *compiler, "-cp", JCIFS_JAR, "-d", JAVA_CLASSES, f"{JAVA_CLASSES}/{_JAVA_SOURCE}"],
        timeout=_SECONDS,
        env=JAVA_ENV,
    ).check("the Java helper")


def _install_node(root: Path) -> None:
    folder = root / Path(NODE_MODULES.lstrip("/")).parent
    folder.mkdir(parents=True)
    for name in _NODE_FILES:
        shutil.copy(SOURCES / "node" / name, folder)
    try:
        process.run(
            ["npm", "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"],
            timeout=_SECONDS,
            env=tools(),
        ).check("the Node client")
    except LabFault:
        shutil.rmtree(folder)
