"""MS17-010 (EternalBlue, WannaCry): Windows's SMB1 driver, unpatched.

Two kinds of evidence decide: the documented answer of an unpatched driver to a harmless request, and the
version of the driver's file, where the lab can read it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.exposures._versions import parts
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Platform, Sighting

TABLE = Path(__file__).with_name("data") / "ms17-010.toml"
_UNPATCHED = "STATUS_INSUFF_SERVER_RESOURCES"
_PATCHED = ("STATUS_INVALID_HANDLE", "STATUS_ACCESS_DENIED")


class Fixed(BaseModel):
    """From which version on the driver of one Windows is patched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    windows: str
    build: tuple[int, int, int]
    """The first three numbers of srv.sys, which tell the Windows."""
    fixed: int | Literal["always"]
    """The fourth number from which on it is patched."""
    ldr: int | None = None
    """The same for the LDR branch, whose fourth number begins with 2 (GDR: with 1)."""
    kb: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    driver: tuple[Fixed, ...]


@cache
def table() -> _Table:
    """The patched versions of srv.sys, by Windows."""
    return _Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def by_driver(version: str) -> Sighting:
    """What the version of srv.sys says, compared number by number with that of the same Windows."""
    numbers = parts(version)
    if len(numbers) != 4:
        return unknown(f"srv.sys has the version {version!r}, which are not four numbers")
    row = next((row for row in table().driver if row.build == numbers[:3]), None)
    if row is None:
        return unknown(f"srv.sys {version}: no Windows in the table has {'.'.join(map(str, numbers[:3]))}")
    if row.fixed == "always":
        return closed(f"srv.sys {version}: {row.windows} came with the fix")
    least = row.ldr if row.ldr is not None and str(numbers[3]).startswith("2") else row.fixed
    patched = numbers[3] >= least
    limit = ".".join(map(str, (*row.build, least)))
    text = f"srv.sys {version}: {row.windows} is patched from {limit} on ({row.kb})"
    return closed(text) if patched else opened(text)


class Ms17010(Exposure):
    name = "ms17-010"
    title = "MS17-010: the SMB1 driver of Windows is unpatched (WannaCry)"
    sends = "over SMB1: a logon, a TREE_CONNECT of IPC$, TRANSACTION PeekNamedPipe of FID 0, 64 KiB of room"
    safe = (
        "it is the documented check: no pipe is opened and no data sent; an unpatched Windows answers that "
        "it has no room, a patched one that there is no such pipe"
    )
    source = "Microsoft MS17-010, KB4023262; [MS-CIFS] 2.2.5.5; nmap smb-vuln-ms17-010 (category safe)"

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        if look.no_smb1:
            return not_exposed(f"SMB1 is not spoken: {look.no_smb1}")
        driver = subject.inside.files.get("srv.sys", "") if subject.inside else ""
        if driver:
            return by_driver(driver)
        if not look.smb1.ok:
            return unknown(look.smb1.text)
        reached = look.smb1_ipc
        if reached.value is None:
            platform = subject.platform
            if platform not in (Platform.WINDOWS, None):
                return not_exposed(f"the hole is in Windows, and this is {platform}")
            return unknown(f"IPC$ over SMB1 was not reached: {reached.text}")
        return read(reached.value.peek.status, subject.platform)


def read(answer: str, platform: Platform | None) -> Sighting:
    """What an answer to PeekNamedPipe says of a server that is known to be of a platform (or not known)."""
    said = f"PeekNamedPipe of FID 0: {answer}"
    if platform not in (Platform.WINDOWS, None):
        return not_exposed(f"{said}; that is no evidence, for the hole is in Windows and this is {platform}")
    if answer == _UNPATCHED:
        return opened(f"{said}, as an unpatched Windows")
    if answer in _PATCHED and platform is Platform.WINDOWS:
        return closed(f"{said}, as a patched Windows")
    if answer in _PATCHED:
        return unknown(f"{said}, as a patched Windows; but every Samba answers so too: no evidence")
    return unknown(f"{said}, which decides nothing")


EXPOSURES = (Ms17010(),)
