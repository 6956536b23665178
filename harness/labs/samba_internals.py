"""What a Samba of the local lab tells of itself: collects the texts that ``server_internals`` reads."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from harness.errors import LabFault
from harness.labs import namespace, samba_ways, server_internals
from harness.labs.home import Home
from harness.labs.roots import within
from harness.labs.samba_ways import Ways
from harness.labs.unheeded import ConfCheck
from harness.labs.writing import writing
from harness.servers.base import HOST, Server, ServerState
from harness.servers.live import ServerInternals
from harness.system.plain import clean
from harness.system.process import run

_SECONDS = 10.0
_LONGEST = 100
"""Characters of what an image says of itself that are shown."""
_STARTED = re.compile(r"^ +smbd version (\d+\.\d+\S*) started\.$", re.MULTILINE)


class SambaInternals:
    """Looks into one server. What cannot change while its state stays the same is read once."""

    def __init__(self, server: Server, home: Home, root: Callable[[str], Path]) -> None:
        self._server = server
        self._home = home
        self._root = root
        self._known: tuple[ServerState, ServerInternals] | None = None
        self._said: dict[tuple[Path, bytes], str] = {}
        """Image and smb.conf -> what its testparm showed of it."""

    def look(self, state: ServerState, pid: int, log: str) -> ServerInternals:
        """``pid`` is the running smbd, ``log`` its log. Raises LabFault when testparm does not answer."""
        if self._known is None or self._known[0] != state:
            self._known = (state, self._read(state, pid))
        return replace(self._known[1], log=server_internals.telling_lines(log))

    def _read(self, state: ServerState, pid: int) -> ServerInternals:
        root = self._root(state.image)
        package = _host_package() if state.image == HOST else package_of(root)
        ways = samba_ways.of(root)
        found = server_internals.sections(self._testparm(root, ways) if ways.testparm else "")
        mounts = _text(Path(f"/proc/{pid}/mountinfo")) or ""
        confined, confinement = server_internals.confinement(_text(Path(f"/proc/{pid}/attr/current")))
        fixes, since = _fixes(root)
        return ServerInternals(
            self._server.platform.name,
            server_internals.upstream(package.partition(" ")[2]) or version(root),
            package,
            release(root),
            self._server.emulates,
            fixes,
            found.get("global", {}),
            server_internals.shares(found, mounts),
            confined,
            confinement,
            modules(root),
            changelog_from=since,
            packages_read=ways.packages_read,
        )

    def _testparm(self, root: Path, ways: Ways) -> str:
        """What testparm shows of the smb.conf that is there; of one that it was asked of before, what it said
        then.

        After a rollback the file is again as it was, to the letter, or else it is asked anew.
        """
        asked = (root, (self._home.outside / "smb.conf").read_bytes())
        if asked not in self._said:
            argv = ways.check(self._home.conf)
            said = run(self._home.enter(root, argv), timeout=_SECONDS)
            self._said[asked] = said.check(f"testparm of {self._server.name}").stdout
        return self._said[asked]


# A rehearsal asks the same of each phase, and the answer is decided by the text alone: it includes no file.
@lru_cache(maxsize=64)
def testparm(home: Home, root: Path, text: str) -> ConfCheck:
    """What the testparm of an image says to a smb.conf(5), which is written beside that of a server.

    Its exit status says nothing. Raises LabFault when it cannot be written, does not end, or is not there.
    """
    # Two may ask at the same time.
    file = home.outside / f"asked-{hashlib.sha256(text.encode()).hexdigest()[:16]}.conf"
    with writing(file):
        file.write_text(text)
        file.chmod(0o644)
    argv = samba_ways.of(root).check(home.inside / file.name)
    said = run(home.enter(root, argv), timeout=_SECONDS)
    return ConfCheck(said.stdout, said.stderr)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def release(root: Path) -> str:
    """The operating system's release, by os-release(5): "debian 12"; "" where it says none."""
    said = within.text(root, "etc/os-release") or within.text(root, "usr/lib/os-release")
    return clean(server_internals.release(said or ""))[:_LONGEST]


def modules(root: Path) -> frozenset[str] | None:
    """The VFS modules that the Samba of an image has; None where it did not say."""
    ways = samba_ways.of(root)
    if ways.asked:
        return None if ways.modules is None else frozenset(ways.modules)
    return frozenset(path.stem for path in (root / "usr/lib").glob("*/samba/vfs/*.so"))


@cache
def _fixes(root: Path) -> tuple[frozenset[str] | None, int]:
    """The CVE names in the changelog of Debian's package samba, and from which year on it tells all.

    None where the package is not installed, or smbd is not from it.
    """
    packed = within.data(root, "usr/share/doc/samba/changelog.Debian.gz")
    if packed is None or (samba_ways.of(root).asked and not package_of(root)):
        return None, 0
    try:
        said = gzip.decompress(packed).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        return None, 0
    return server_internals.fixes(said), server_internals.tells_from(said)


@cache
def package_of(root: Path) -> str:
    """The package samba of an image, as "samba VERSION"; "" where there is none."""
    lines = (_text(root / "packages.txt") or "").splitlines()
    return next((line for line in lines if line.startswith("samba ")), "")


@cache
def _host_package() -> str:
    """This machine's package samba, as dpkg-query(1) says; "" where it is none of Debian's."""
    try:
        said = run(["dpkg-query", "-W", "-f", "${Package} ${Version}", "samba"], timeout=_SECONDS)
    except LabFault:
        return ""
    return said.stdout.strip() if said.ok else ""


def started(log: str) -> str:
    """The version of itself that an smbd of Debian's wrote last into its log as it started: what ``smbd -V``
    says. "" for none."""
    found = _STARTED.findall(log)
    return found[-1] if found else ""


@cache
def version(root: Path) -> str:
    """What the smbd in a root file system says of itself."""
    said = run(namespace.in_image(root, [samba_ways.of(root).smbd, "-V"]), timeout=_SECONDS)
    return samba_ways.version_in(said.stdout)
