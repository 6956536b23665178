"""Samba's log of authentication alone: JSON records or sentences, a line each, as log shippers write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet import addresses
from harness.fleet.importers import _auth
from harness.fleet.importers._smbd import is_smbd_log
from harness.fleet.importers._smbstatus import LOOPBACK
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Sighting

_DAMAGED: Final = "a record of authentication that is damaged or cut off"
_ODD: Final = "a line that is no record of authentication"
NAMELESS: Final = "a record of authentication that names no machine"


class SambaAuth:
    """Lines of the classes auth_audit and auth_json_audit."""

    name = "samba-auth"
    title = "Samba's log of authentication, JSON or sentences, a line each: log level = 1 auth_json_audit:3"

    def recognises(self, head: str) -> bool:
        """By a record, where nothing is of a whole log of smbd."""
        return _auth.is_any(head) and not is_smbd_log(head)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a record."""
        for number, line in enumerate(lines, 1):
            if not _auth.is_any(line):
                if line.strip():
                    tally.wonder(_ODD, number, line)
                continue
            record = _auth.record(line)
            if record is None:
                tally.wonder(_DAMAGED, number, line)
            else:
                yield from sighting(Place(source, number), record, tally)


def sighting(place: Place, record: _auth.Record, tally: Tally) -> Iterator[Sighting]:
    """What one record is as a sighting; none of another service, of the server itself, or of nobody."""
    if not record.ours:
        tally.leave_out(_auth.OTHERS.format("LDAP, Kerberos KDC and the like"))
    elif addresses.is_self(record.address):
        tally.leave_out(LOOPBACK)
    elif not record.address and not record.name:
        tally.wonder(NAMELESS, place.line, "")
    else:
        yield Sighting(
            place,
            address=record.address,
            name=record.name,
            seen=record.seen,
            dialect=record.dialect,
            smb2=record.smb2,
            logon=record.logon,
            refused=record.refused,
        )


IMPORTER = SambaAuth()
