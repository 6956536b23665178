"""What a Samba in a guest tells of itself: one script collects the texts that ``server_internals`` reads."""

from __future__ import annotations

from dataclasses import replace

from harness.labs import server_internals
from harness.labs.vagrant import guest_shell
from harness.remote.base import Remote
from harness.servers.base import Server, ServerState
from harness.servers.live import ServerInternals

# Sections, each behind a line of its own; the log's are looked for in the guest, for a log can be long.
_COLLECT = """\
# what the server tells of itself
say() { echo "@@ $1"; }
say testparm; testparm -sv --suppress-prompt 2>/dev/null
say package; dpkg-query -W -f '${Package} ${Version}' samba; echo
say release; cat /etc/os-release
say mounts; cat "/proc/$1/mountinfo"
say attribute; tr -d '\\0' <"/proc/$1/attr/current" 2>/dev/null || echo '@absent'
say fixes
zcat /usr/share/doc/samba/changelog.Debian.gz 2>/dev/null | grep -o 'CVE-[0-9]*-[0-9]*' | sort -u || true
"""
_LOG = """\
# telling lines of the log
grep -h -E 'Refusing open on pipe|Error loading module|PANIC|INTERNAL ERROR' "$1"/log.* 2>/dev/null || true
"""


class GuestInternals:
    """Looks into one server in a guest. What cannot change while its state stays the same is read once."""

    def __init__(self, server: Server, folder: str) -> None:
        """``folder`` is where its log is, in the guest."""
        self._server = server
        self._folder = folder
        self._known: tuple[ServerState, ServerInternals] | None = None

    def look(self, remote: Remote, state: ServerState, pid: int) -> ServerInternals:
        """``pid`` is the running smbd. Raises LabFault when the guest does not answer."""
        if self._known is None or self._known[0] != state:
            said = guest_shell.script(remote, _COLLECT, str(pid))
            self._known = (state, parse(said, self._server.emulates, self._server.platform.name))
        log = guest_shell.script(remote, _LOG, self._folder)
        return replace(self._known[1], log=server_internals.telling_lines(log))


def parse(said: str, emulates: str, platform: str) -> ServerInternals:
    """What the script collected of a server of that platform; whatever is missing stays untold."""
    parts = server_internals.collected(said)
    found = server_internals.sections(parts.get("testparm", ""))
    package = parts.get("package", "").strip()
    attribute = parts.get("attribute", "@absent").strip()
    confined, confinement = server_internals.confinement(None if attribute == "@absent" else attribute)
    fixes = server_internals.fixes(parts.get("fixes", ""))
    return ServerInternals(
        platform,
        server_internals.upstream(package.partition(" ")[2]),
        package,
        server_internals.release(parts.get("release", "")),
        emulates,
        fixes or None,
        found.get("global", {}),
        server_internals.shares(found, parts.get("mounts", "")),
        confined,
        confinement,
    )
