"""A copy of the domain's template: unpacked, and told the addresses of the lab.

The template's DNS has addresses that no server of a lab gets (``ADDRESSES``). An address record is in the
database as [MS-DNSP] 2.3.2.2 has it, with four bytes of address at its end, so a copy gets its own addresses
by other four bytes in their place, in milliseconds. Whether its DNS says so is asked when it has started.
"""

from __future__ import annotations

import hashlib
import re
import socket
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.labs.domain.conf import Addresses
from harness.labs.writing import writing
from harness.system import resources
from harness.system.process import keep_secret

ADDRESSES: Final = Addresses("127.255.254.1", "127.255.254.2")
TAR: Final = "domain.tar.gz"
FACTS: Final = "domain.json"
PROGRAMS: Final = resources.path("labs", "domain", "programs")
_ZONES: Final = "private/sam.ldb.d/D*DNSZONES,*.ldb"
_MEND: Final = "rehearse clean --images removes it; the next run makes it again"


class Facts(BaseModel):
    """What lies beside the tar."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    sha256: str
    """Of the tar."""
    passwords: Mapping[str, str]
    """Account -> its password."""

    @staticmethod
    def digest(tar: Path) -> str:
        return hashlib.sha256(tar.read_bytes()).hexdigest()


def program(name: str) -> str:
    """The text of a program, which the interpreter of the image gets as an argument."""
    return (PROGRAMS / f"{name}.py").read_text("utf-8")


def facts(template: Path) -> Facts:
    """Raises LabFault for a template that is damaged."""
    try:
        found = Facts.model_validate_json((template / FACTS).read_bytes())
    except (OSError, ValidationError) as error:
        raise LabFault(f"the domain's template {template} is damaged: {FACTS}", _MEND) from error
    for password in found.passwords.values():
        keep_secret(password)
    return found


def check(template: Path) -> None:
    """Raises LabFault for a template whose contents are not what was made."""
    tar = template / TAR
    try:
        good = Facts.digest(tar) == facts(template).sha256
    except OSError as error:
        raise LabFault(f"{tar}: {error.strerror}", _MEND) from error
    if not good:
        raise LabFault(f"the domain's template {tar} is damaged: it is not what was made", _MEND)


def unpack(template: Path, host: str, into: Path) -> None:
    """Put what a machine of the domain keeps into a folder that is there. Raises LabFault."""
    check(template)
    try:
        with tarfile.open(template / TAR) as archive:
            for member in archive:
                first, _, rest = member.name.partition("/")
                if first == host and rest:
                    member.name = rest
                    _extract(archive, member, into)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise LabFault(
            f"the domain's template cannot be copied: {error}", "make room or choose --runs"
        ) from error


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Ours, so it may say who may read what: its private folder must be closed to others."""
    at = into / member.name
    if member.isdir():
        at.mkdir(exist_ok=True)
    else:
        content = archive.extractfile(member)
        assert content is not None
        at.write_bytes(content.read())
    at.chmod(member.mode & 0o777)


def readdress(controller: Path, to: Addresses) -> None:
    """Have the DNS of a copied domain controller say other addresses. Raises LabFault."""
    pairs = ((ADDRESSES.controller, to.controller), (ADDRESSES.member, to.member))
    with writing(controller):
        for file in controller.glob(_ZONES):
            data = file.read_bytes()
            for old, new in pairs:
                data = _records(old).sub(partial(_with_address, socket.inet_aton(new)), data)
            file.write_bytes(data)


def _with_address(address: bytes, record: re.Match[bytes]) -> bytes:
    return record[1] + address


def _records(address: str) -> re.Pattern[bytes]:
    """Address records of DNS_RPC_RECORD: length 4, type A (1), version 5, and 20 bytes on the address."""
    return re.compile(rb"(\x04\x00\x01\x00\x05.{19})" + re.escape(socket.inet_aton(address)), re.DOTALL)
