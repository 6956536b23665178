"""Debian's archive as mmdebstrap(1) reads it: what images and boxes are both made from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import LabFault
from harness.system import process
from harness.system.environment import ours, tool_path, tools
from harness.system.programs import INSTALL, UPDATE

MIRROR = "SMB_REHEARSAL_MIRROR"
"""Environment variable: another mirror of the Debian archive; its security archive has "-security" added."""

MIRRORS = f"the Debian mirrors: check the network, or set {MIRROR}"
KEYRINGS = tuple(Path("/usr/share/keyrings") / f"debian-archive-keyring.{kind}" for kind in ("gpg", "pgp"))
SUITES = Path("/usr/share/distro-info/debian.csv")
"""Which suites there are: mmdebstrap reads it."""
SECONDS = 1800.0
"""The most that one build may take, for slow lines."""

Tell = Callable[[str, float], None]
"""Told what is being done, and how much of it is done (0 to 1)."""

OPTIONS = (
    '--aptopt=APT::Install-Recommends "false"',
    # The Release files of a testing suite expire on a mirror that lags; signatures are still checked.
    '--aptopt=Acquire::Check-Valid-Until "false"',
)
AS_RELEASED = '--setup-hook=sed -i -e /-security/d -e /-updates/d "$1/etc/apt/sources.list"'
"""Takes the suite's security and update archives away: the release as it first came."""


def mirror() -> str:
    """The mirror that the user named; "" for Debian's own."""
    return os.environ.get(MIRROR, "").rstrip("/")


def sources(suite: str, *, security: bool) -> list[str]:
    """The last words of the command line: nothing where mmdebstrap's own mirrors are used."""
    named = mirror()
    if not named:
        return []
    found = [f"deb {named} {suite} main"]
    if security:
        found.append(f"deb {named}-security {suite}-security main")
    return found


def lacking() -> tuple[str, str] | None:
    """What is not installed but needed to run mmdebstrap, and the command that installs it all."""
    found = {
        package: program
        for program, package in (("mmdebstrap", "mmdebstrap"), ("gpg", "gpg"), ("setpriv", "util-linux"))
        if shutil.which(program, path=tool_path()) is None
    }
    if not any(keyring.exists() for keyring in KEYRINGS):
        found["debian-archive-keyring"] = "Debian's archive keyring"
    if not SUITES.exists():
        found["distro-info-data"] = "the list of Debian's releases"
    if not found:
        return None
    return ", ".join(found.values()), f"{UPDATE} && {INSTALL} {' '.join(found)}"


def mmdebstrap(
    what: str,
    words: Sequence[str],
    stages: Sequence[tuple[str, str, float]],
    tell: Tell,
    come_from: str = MIRRORS,
) -> None:
    """Run it. ``stages``: how a line of its output begins, what that means, and how much is done then.

    ``come_from``: where its packages come from, and what the user can do about that.
    Raises LabFault ("cannot build ``what``: ...") with the line that says why.
    """
    missing = lacking()
    if missing:
        raise LabFault(f"cannot build {what}: {missing[0]} is not installed", missing[1])

    def heard(line: str) -> None:
        for sign, text, done in stages:
            if line.startswith(f"I: {sign}"):
                tell(text, done)

    result = process.run_streaming(words, timeout=SECONDS, heard=heard, env={**tools(), **ours()})
    if not result.ok:
        raise LabFault(
            f"cannot build {what}: {_complaint(result)}",
            f"the packages come from {come_from}",
        )


def _complaint(result: process.Result) -> str:
    """The line of mmdebstrap's output that says why: the first error, for the later ones follow from it."""
    if result.status is None:
        return f"not done within {SECONDS:g} s"
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return (errors or lines[-1:] or [f"mmdebstrap ended with status {result.status}"])[0]
