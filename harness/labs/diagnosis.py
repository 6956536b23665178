"""Why no private lab can be made on this machine, and the command that mends it."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.system import process, programs

AS_ROOT = "or run this as root"
CAPABILITIES = "--cap-add SYS_ADMIN --cap-add NET_ADMIN"
"""What a lab needs of a container's root, in the words of podman-run(1) and docker-run(1)."""

FILES: Final = 256
"""Files that a process of the lab may open at the least: smbd panics below 101 (assert real_max > 100, 4.22),
and needs some for itself (measured: of a run of one scenario 128 are too few, 200 are enough)."""

# capabilities(7): their bits in /proc/PID/status.
_CAP_NET_ADMIN = 12
_OF_ROOT = {
    21: "SYS_ADMIN",
    0: "CHOWN",
    1: "DAC_OVERRIDE",
    5: "KILL",
    6: "SETGID",
    7: "SETUID",
    18: "SYS_CHROOT",
}
"""What root needs to make a lab without a user namespace (in one everybody has all of them): bit -> name.

Without SYS_ADMIN there is no lab; without another servers do not start, or are not stopped (measured)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands in the way."""

    why: str
    mend: str
    """What to type or do; "" where nothing is known."""


def unshare_argv(network: bool = True) -> list[str]:
    """The command line that makes the lab's namespaces: with a user namespace unless we may do without.

    Without ``network`` the lab has this machine's.
    """
    user = ["--user", "--map-root-user"] if _lacking() else []
    # How mounts propagate is left to mounts.make_private, for unshare cannot change it in a chroot.
    mounts = ["--mount", "--propagation", "unchanged", "--mount-proc"]
    net = ["--net"] if network else []
    return ["unshare", *user, *net, *mounts, "--pid", "--fork", "--kill-child"]


def diagnose() -> list[Cause]:
    """Try to make the namespaces (about 10 ms). Empty when it works; else what is in the way."""
    if causes := beforehand():
        return causes
    tried = process.run([*unshare_argv(), "true"], timeout=20)
    if tried.ok:
        return no_network()
    found = _switched_off() if "--user" in unshare_argv() else []
    said = (tried.stderr.strip().splitlines() or ["unshare failed"])[-1].removeprefix("unshare: ")
    lacking = _lacking()
    if not found and os.geteuid() == 0 and not lacking:
        found = [
            Cause(
                f"root has every capability for it, and is refused ({said}), as by a filter of system calls",
                "start the container with --security-opt seccomp=unconfined",
            )
        ]
    if not found and os.geteuid() == 0:
        names = ", ".join(f"CAP_{name}" for name in lacking)
        more = [f" --cap-add {name}" for name in lacking if name != "SYS_ADMIN"]
        found = [
            Cause(
                f"root has no {names} here, as in a container ({said})",
                f"start the container with {CAPABILITIES}{''.join(more)}",
            )
        ]
    if not found and "proc" in said:
        found = [
            Cause(
                f"/proc cannot be mounted ({said}): parts of it are masked, as in a container",
                "start the container with --security-opt systempaths=unconfined",
            )
        ]
    return found or [Cause(said, f"allow user namespaces, {AS_ROOT}")]


def beforehand() -> list[Cause]:
    """What would be told by each server that cannot be started, and not by the lab."""
    if missing := programs.lacking_for_a_lab():
        return [Cause(f"{missing} is not installed", programs.how_to_install(missing))]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FILES:
        return [
            Cause(f"too few files may be open (ulimit -Hn: {most})", f"raise the limit to {FILES} or more")
        ]
    return []


def allow_files() -> None:
    """Let this process and what it starts open as many files as servers need."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if least != resource.RLIM_INFINITY and least < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))


def no_network() -> list[Cause]:
    """Why ``lo`` of a lab cannot be brought up: made without a user namespace, and no CAP_NET_ADMIN."""
    if _lacking() or _capabilities() >> _CAP_NET_ADMIN & 1:
        return []
    return [
        Cause(
            "root has no CAP_NET_ADMIN here, as in a container: the lab's network cannot be brought up",
            f"start the container with {CAPABILITIES}",
        )
    ]


def _switched_off() -> list[Cause]:
    """The settings known to forbid user namespaces to ordinary users."""
    found = []
    if _setting("user/max_user_namespaces") == 0:
        found.append(
            Cause(
                "user namespaces are switched off (user.max_user_namespaces = 0)",
                f"sudo sysctl -w user.max_user_namespaces=10000, {AS_ROOT}",
            )
        )
    # Debian before 11 and some hardened kernels.
    if _setting("kernel/unprivileged_userns_clone") == 0:
        found.append(
            Cause(
                "ordinary users may not make user namespaces (kernel.unprivileged_userns_clone = 0)",
                f"sudo sysctl -w kernel.unprivileged_userns_clone=1, {AS_ROOT}",
            )
        )
    # Ubuntu 23.10 and later.
    if (_setting("kernel/apparmor_restrict_unprivileged_userns") or 0) > 0:
        found.append(
            Cause(
                "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns = 1)",
                f"sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, {AS_ROOT}",
            )
        )
    if in_chroot():
        found.append(
            Cause(
                "this is inside a chroot, where the kernel refuses user namespaces (user_namespaces(7))",
                "run this as root, or outside the chroot",
            )
        )
    return found


def in_chroot() -> bool:
    """True when our root directory is not the root of a mount: seen from inside, a chroot(2).

    A chroot into a mount point looks like any other root and is not noticed (proc(5), mountinfo).
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    return bool(mounts) and not any(line.split()[4] == "/" for line in mounts)


def _setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", name).read_text())
    except (OSError, ValueError):
        return None


def _lacking() -> list[str]:
    """The capabilities that root needs and we have not; an ordinary user has none of them."""
    ours = _capabilities()
    return [name for bit, name in _OF_ROOT.items() if not ours >> bit & 1]


def _capabilities() -> int:
    """Those that we have, a bit each (capabilities(7))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
