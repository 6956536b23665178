"""What a Samba of the local lab tells of itself: collects the texts that ``server_internals`` reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from harness.errors import LabFault
from harness.labs import namespace, server_internals
from harness.labs.samba_conf import Home
from harness.labs.unheeded import ConfCheck
from harness.servers.base import HOST, Server, ServerState
from harness.servers.live import ServerInternals, ShareInternals
from harness.system.process import run

_SECONDS = 10.0


class SambaInternals:
    """Looks into one server. What cannot change while its state stays the same is read once."""

    def __init__(self, server: Server, home: Home, root: Callable[[str], Path]) -> None:
        self._server = server
        self._home = home
        self._root = root
        self._known: tuple[ServerState, ServerInternals] | None = None

    def look(self, state: ServerState, pid: int, log: str) -> ServerInternals:
        """``pid`` is the running smbd, ``log`` its log. Raises LabFault when testparm does not answer."""
        if self._known is None or self._known[0] != state:
            self._known = (state, self._read(state, pid))
        return replace(self._known[1], log=server_internals.telling_lines(log))

    def _read(self, state: ServerState, pid: int) -> ServerInternals:
        root = self._root(state.image)
        package = _host_package() if state.image == HOST else package_of(root)
        argv = ["/usr/bin/testparm", "-sv", "--suppress-prompt", str(self._home.conf)]
        said = run(namespace.in_image(root, argv), timeout=_SECONDS).check(f"testparm of {self._server.name}")
        found = server_internals.sections(said.stdout)
        mounts = _text(Path(f"/proc/{pid}/mountinfo")) or ""
        confined, confinement = server_internals.confinement(_text(Path(f"/proc/{pid}/attr/current")))
        shares = tuple(
            ShareInternals(name, settings, server_internals.mount_options(mounts, settings.get("path", "/")))
            for name, settings in server_internals.share_settings(found).items()
        )
        return ServerInternals(
            self._server.platform.name,
            server_internals.upstream(package.partition(" ")[2]) or version(root),
            package,
            server_internals.release(_text(root / "etc/os-release") or ""),
            self._server.emulates,
            _fixes(root),
            found.get("global", {}),
            shares,
            confined,
            confinement,
            frozenset(path.stem for path in (root / "usr/lib").glob("*/samba/vfs/*.so")),
        )


def testparm(home: Home, root: Path, text: str) -> ConfCheck:
    """What the testparm of an image says to a smb.conf(5), which is written beside that of a server.

    Its exit status says nothing. Raises LabFault when it cannot be written or does not end.
    """
    file = home.outside / "asked.conf"
    try:
        file.write_text(text)
        file.chmod(0o644)
    except OSError as error:
        raise LabFault(f"{file}: {error.strerror or error}", "make room or choose --runs") from error
    argv = ["/usr/bin/testparm", "-sv", "--suppress-prompt", str(home.inside / file.name)]
    said = run(namespace.in_image(root, argv), timeout=_SECONDS)
    return ConfCheck(said.stdout, said.stderr)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


@cache
def _fixes(root: Path) -> frozenset[str] | None:
    """The CVE names in the changelog of Debian's package samba; None where it is not installed."""
    try:
        packed = (root / "usr/share/doc/samba/changelog.Debian.gz").read_bytes()
        return server_internals.fixes(gzip.decompress(packed).decode("utf-8", "replace"))
    except (OSError, EOFError):
        return None


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


@cache
def version(root: Path) -> str:
    """What the smbd in a root file system says of itself."""
    said = run(namespace.in_image(root, ["/usr/sbin/smbd", "-V"]), timeout=_SECONDS)
    return said.stdout.strip().removeprefix("Version ")
