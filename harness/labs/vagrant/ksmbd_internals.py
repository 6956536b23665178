"""What the kernel's SMB server in a guest tells of itself: the running kernel, its package, ksmbd.conf(5)."""

from __future__ import annotations

import re

from harness.labs import server_internals
from harness.labs.vagrant import guest_shell
from harness.remote.base import Remote
from harness.servers.live import ServerInternals

# uname -v of Debian's kernels ends "Debian 6.12.48-1 (2025-09-20)": the package's version as it runs, which
# the installed one is not after an update without a restart. Its changelog is changelog.gz, for the signed
# packages are native ones (measured, 6.1.192-2); a box of the lab has none, and there the version decides.
_COLLECT = """\
# what ksmbd and its kernel tell of themselves
say() { echo "@@ $1"; }
image="linux-image-$(uname -r)"
say running; uname -v
say package; dpkg-query -W -f '${Package} ${Version}\\n' "$image" 2>/dev/null || true
say release; cat /etc/os-release
say conf; cat /etc/ksmbd/ksmbd.conf || true
say mounts; cat /proc/self/mountinfo
say changelog
cd "/usr/share/doc/$image" 2>/dev/null && zcat changelog.gz changelog.Debian.gz 2>/dev/null |
    grep -E -o 'CVE-[0-9]+-[0-9]+|^ -- .*|^#.*' || true
"""


def look(remote: Remote, emulates: str, platform: str) -> ServerInternals:
    """Raises LabFault when the guest does not answer."""
    return parse(guest_shell.script(remote, _COLLECT), emulates, platform)


def parse(said: str, emulates: str, platform: str) -> ServerInternals:
    """What the script collected; whatever is missing stays untold."""
    parts = server_internals.collected(said)
    running = re.search(r"Debian (\S+)", parts.get("running", ""))
    name, _, installed = parts.get("package", "").strip().partition(" ")
    version = running[1] if running else ""
    changelog = parts.get("changelog", "")
    # The changelog on the disk is the installed package's: of another kernel it proves nothing.
    tells = bool(version) and version == installed and bool(changelog.strip())
    found = server_internals.sections(parts.get("conf", ""))
    return ServerInternals(
        platform,
        server_internals.upstream(version),
        f"{name} {version}" if name and version else "",
        server_internals.release(parts.get("release", "")),
        emulates,
        server_internals.fixes(changelog) if tells else None,
        found.get("global", {}),
        server_internals.shares(found, parts.get("mounts", "")),
        changelog_from=server_internals.tells_from(changelog) if tells else 0,
    )
