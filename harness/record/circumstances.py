"""Where, with what and by which version a run is measured: for whoever reads its results elsewhere, later.

No user's name and no path is in it, and the host's name only when somebody asks for it.
"""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Final

from harness.result import Circumstances
from harness.system import processors
from harness.system.version import commit, version

HOST = "SMB_REHEARSAL_HOST"
"""The name that the host has in results; without it none: results are handed on, and a name may say whose
machine it is."""
_TOOLS = ("impacket", "smbprotocol", "aiosmb", "pysmb", "cryptography", "pydantic")
"""The Python packages that speak SMB, and those that its cryptography and the results rest on."""
_VERSION: Final = re.compile(r"^Version:(.*)$", re.MULTILINE)


def found() -> Circumstances:
    """What is so now, in this process."""
    return Circumstances(
        host=os.environ.get(HOST, ""),
        machine=platform.machine(),
        kernel=f"{platform.system()} {platform.release()}",
        system=system(),
        processors=processors.available(),
        python=platform.python_version(),
        version=version(),
        commit=commit(),
        tools=_tools(),
    )


def system() -> str:
    """The distribution by its own words: PRETTY_NAME of os-release(5); "" where it says nothing."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


@cache
def _tools() -> dict[str, str]:
    there = {}
    for name in _TOOLS:
        with suppress(metadata.PackageNotFoundError):
            # As ``metadata.version`` has it, which reads all that a package says of itself: pages of it.
            said = metadata.distribution(name).read_text("METADATA") or ""
            told = _VERSION.search(said)
            there[name] = told[1].strip() if told else metadata.version(name)
    return there
