"""What a Samba server tells of itself, read from texts that a lab collects: on this machine, or in a guest.

Every function takes text and starts nothing. The sources: ``testparm -sv`` (smb.conf(5) as this very Samba
reads it, defaults included), the package's changelog, ``/proc/PID/mountinfo`` and ``/proc/PID/attr/current``
of the running smbd (proc(5)), os-release(5), and smbd's log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from harness.servers.live import ShareInternals

_LOG = re.compile(r"^.*(?:Refusing open on pipe|Error loading module|PANIC|INTERNAL ERROR).*$", re.MULTILINE)
# What smbd says at level 0 or 1 (measured with 4.13 to 4.25) before it ends, and of a share that it does not
# serve. The first of these that is there counts: the later ones follow from it.
_ENDS = (
    "PANIC|INTERNAL ERROR",
    "Ignoring invalid value|value is not boolean|unrecognized debug class name",
    "No builtin nor plugin backend",
)
_KEEPS_OUT = (
    "PANIC|INTERNAL ERROR",
    "Error loading module",
    # A module's own settings: full_audit of 4.25, not of 4.13, refuses an operation that it does not know.
    "Could not find opname",
    "canonicalize_connect_path failed|vfs_ChDir.* failed",
    "expected a group",
    "not permitted to access this share",
)
_SHORT = {
    "the disk is full": "No space left on device|Disk quota exceeded|NT_STATUS_DISK_FULL",
    # smbd 4.22 panics where 100 or fewer may be open: "assert failed: real_max > 100" (measured).
    "too few files may be open (ulimit -n)": "Too many open files|TOO_MANY_OPENED_FILES|real_max > 100",
    "too few processes may run (ulimit -u)": "(?:fork|chroot|unshare)[^\n]*Resource temporarily unavailable",
    "memory ran out": "Cannot allocate memory",
}
"""What the machine had too little of -> how smbd, and what starts it, say that."""
_GOES_ON = ("too few processes may run (ulimit -u)", "memory ran out")
"""Those of them with which smbd serves some clients and hangs up on others. The rest may be a change's doing,
or has a status of its own, with which a client is refused."""
_UNCONFINED = ("", "unconfined", "kernel")


def sections(testparm: str) -> dict[str, dict[str, str]]:
    """``testparm -sv``: section -> parameter in small letters -> value."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in testparm.splitlines():
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            current = found.setdefault(text[1:-1], {})
        elif "=" in text and not text.startswith(("#", ";")):
            name, _, value = text.partition("=")
            current[name.strip().lower()] = value.strip()
    return found


def share_settings(found: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The shares of ``sections``; what a share does not set comes from [global], as in smb.conf(5)."""
    common = found.get("global", {})
    return {name: {**common, **own} for name, own in found.items() if name.lower() != "global"}


def shares(found: Mapping[str, Mapping[str, str]], mountinfo: str) -> tuple[ShareInternals, ...]:
    """The shares of ``sections``, each with what its folder is mounted with."""
    return tuple(
        ShareInternals(name, settings, mount_options(mountinfo, settings.get("path", "/")))
        for name, settings in share_settings(found).items()
    )


def collected(said: str) -> dict[str, str]:
    """What a script printed behind lines ``@@ NAME``, by these names."""
    return dict(re.findall(r"^@@ (\w+)\n(.*?)(?=^@@ |\Z)", said, re.MULTILINE | re.DOTALL))


def fixes(changelog: str) -> frozenset[str]:
    """The CVE names that a changelog has anywhere."""
    return frozenset(re.findall(r"CVE-\d{4}-\d{4,7}", changelog))


def tells_from(changelog: str) -> int:
    """The first year of which a changelog tells everything; 0 for a whole one.

    Debian and Ubuntu cut the older entries off when they build a package, and say so in the last lines.
    """
    last = changelog.rstrip().splitlines()[-3:]
    if not any(line.startswith("#") and "changelog" in line.lower() for line in last):
        return 0
    years = [int(year) for year in re.findall(r"^ -- .*\b((?:19|20)\d\d) [\d:]+ ", changelog, re.MULTILINE)]
    return min(years) + 1 if years else 9999


def upstream(package_version: str) -> str:
    """The upstream version in a package's: "2:4.13.13+dfsg-1~deb11u6" -> "4.13.13"; "" for none."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)", package_version.strip())
    return match[1] if match else ""


def mount_options(mountinfo: str, path: str) -> tuple[str, ...]:
    """The options of the file system that ``path`` is on; the deepest mount above it decides. () for none."""
    best: tuple[int, tuple[str, ...]] = (-1, ())
    for line in mountinfo.splitlines():
        head, separator, tail = line.partition(" - ")
        words, more = head.split(), tail.split()
        if not separator or len(words) < 6:
            continue
        point = PurePosixPath(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), words[4]))
        if PurePosixPath(path).is_relative_to(point) and len(point.parts) >= best[0]:
            options = [*words[5].split(","), *(more[2].split(",") if len(more) > 2 else ())]
            best = (len(point.parts), tuple(dict.fromkeys(options)))
    return best[1]


def confinement(attribute: str | None) -> tuple[bool | None, str]:
    """Whether a process is confined by a security module, and what says so.

    ``attribute`` is the content of /proc/PID/attr/current: None where the file cannot be read, which is so
    where the kernel has no such module. None: by rules that are not smbd's own (those of a container, say),
    so that it is not known what they let it load.
    """
    if attribute is None:
        return False, "/proc/PID/attr/current: no security module"
    label = attribute.strip("\0\n ")
    # SELinux: user:role:type:level; AppArmor: profile (mode). A profile that only complains confines nothing.
    evidence = f"/proc/PID/attr/current: {label or 'empty'}"
    if label in _UNCONFINED or ":unconfined_t" in label or "(complain)" in label:
        return False, evidence
    return (True if "smbd" in label else None), evidence


def release(os_release: str) -> str:
    """os-release(5): "debian 11"; without a number the code name, "debian forky"."""
    pairs = (line.partition("=") for line in os_release.splitlines() if not line.startswith("#"))
    known = {name: value.strip().strip("\"'") for name, _, value in pairs}
    number = known.get("VERSION_ID") or known.get("VERSION_CODENAME", "")
    return f"{known.get('ID', '')} {number}".strip()


def reason(log: str, *, ended: bool) -> str:
    """The line of an smbd log that says why it ended, or does not serve its share; "" where none does."""
    for words in _ENDS if ended else _KEEPS_OUT:
        if found := re.findall(rf"^.*(?:{words}).*$", log, re.MULTILINE):
            return str(found[-1]).strip()
    return ""


def shortage(log: str, of: Iterable[str] = _SHORT) -> str:
    """What the machine had too little of, as an smbd log shows, with the line that does; "" for nothing."""
    for what in of:
        if found := re.findall(rf"^.*(?:{_SHORT[what]}).*$", log, re.MULTILINE):
            return f"{what}: {str(found[-1]).strip()}"
    return ""


def lack(log: str) -> str:
    """The same of an smbd that goes on, and hangs up on a client that it cannot fork for (measured: 4.22)."""
    return shortage(log, _GOES_ON)


def telling_lines(log: str) -> tuple[str, ...]:
    """The lines of an smbd log that tell about pipes refused, modules loaded and panics; each once."""
    return tuple(dict.fromkeys(line.strip() for line in _LOG.findall(log)))
