"""Running a domain's programs in their image, as its root.

samba(8) and winbindd(8) take the identity of whomever they serve (setresuid(2), setgroups(2)), and want to
own their folders as root. Real root of this machine gives them that, without what they do not need. An
ordinary user's lab maps one user alone; there libuid_wrapper, preloaded, answers those calls (measured:
without it the KDC answers, and SMB does not, as mapped root and as user LAB_UID; with it all does, Samba 4.13
to 4.25).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.labs import namespace

_KEPT: Final = (
    *("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid"),
    *("net_bind_service", "sys_chroot", "sys_resource"),
)
"""The capabilities that remain (capabilities(7)): those of a file server, and to enter the image."""
_WRAPPED: Final = ("LD_PRELOAD=libuid_wrapper.so", "UID_WRAPPER=1", "UID_WRAPPER_ROOT=1")
"""uid_wrapper(1)."""


def as_root(root: Path, argv: Sequence[str | Path]) -> list[str]:
    """The command line that runs ``argv`` with ``root`` as its root directory, as the root of it.

    Must be started inside the lab.
    """
    words = ["chroot", str(root), "/usr/bin/env"]
    if namespace.maps_lab_uid():
        bounds = ",".join(("-all", *(f"+{name}" for name in _KEPT)))
        words = [f"--bounding-set={bounds}", "--inh-caps=-all", *words]
    else:
        words += _WRAPPED
    return ["setpriv", "--no-new-privs", *words, *map(str, argv)]
