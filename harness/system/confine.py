"""A process gives away the power that it does not need: whatever takes it over later has not got it either.

Root without its capabilities (capabilities(7)) is still the owner of root's files. It cannot mount, trace
what is not its own, load modules, make devices, send raw packets, or write what belongs to others.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class Capability(IntEnum):
    """Numbers of linux/capability.h."""

    DAC_READ_SEARCH = 2
    KILL = 5
    SETGID = 6
    SETUID = 7
    SYS_CHROOT = 18
    SETFCAP = 31


FOR_CLIENTS: Final = frozenset(Capability) - {Capability.SETFCAP}
"""What it takes to start a program of an image as the image's user and to end it; and to read what root may
not open by its mode alone: a checkout in somebody's closed home, under sudo(8)."""
FOR_CLIENTS_NESTED: Final = frozenset(Capability)
"""The same in the namespace of an ordinary user, where an image's user is made by one more namespace: since
Linux 5.12 that takes CAP_SETFCAP (user_namespaces(7); measured: EPERM without)."""

# linux/prctl.h, linux/capability.h
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_VERSION_3 = 0x20080522
_MOST = 64

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def keep(capabilities: Iterable[Capability]) -> None:
    """This process, and all that it starts, has no other capabilities from now on, and can get no more.

    An ordinary user has none to give away. Raises OSError where the kernel refuses.
    """
    kept = sum(1 << number for number in set(capabilities))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for number in range(_MOST):
        if not kept >> number & 1:
            # Refused to whoever may not (CAP_SETPCAP), and for numbers that this kernel does not know.
            _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header, sets = _Header(_VERSION_3, 0), (_Sets * 2)()
    if _libc.capget(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    for half, one in enumerate(sets):
        mask = kept >> 32 * half & 0xFFFFFFFF
        one.effective &= mask
        one.permitted &= mask
        one.inheritable &= mask
    if _libc.capset(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
