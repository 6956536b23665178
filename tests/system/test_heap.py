"""What is freed goes back to the machine: in a process of its own, for the setting stays."""

from __future__ import annotations

import platform
import sys

import pytest

from harness.system import environment
from harness.system.process import run

ASKED = """
import ctypes, sys
from harness.system import heap
if sys.argv[1] == "set":
    heap.give_back()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes, libc.memset.argtypes = [ctypes.c_void_p], [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

# One that is larger, and was freed; one behind what was freed.
libc.free(libc.malloc(16 << 20))
large = libc.malloc(8 << 20)
libc.memset(large, 1, 8 << 20)
behind = [libc.malloc(100_000) for _ in range(3)]
before = held()
libc.free(large)
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
@pytest.mark.parametrize(("setting", "given_back"), [("set", True), ("not set", False)])
def test_what_is_freed_goes_back(setting: str, given_back: bool) -> None:
    argv = [sys.executable, "-c", ASKED, setting]
    told = run(argv, timeout=60, env=environment.ours()).check("a process that frees").stdout
    assert (int(told) > 7 << 20) is given_back, told
