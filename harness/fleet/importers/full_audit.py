"""Lines of vfs_full_audit(8) in syslog, the journal or a file of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet import addresses
from harness.fleet.forms.syslog import NO_YEAR, entry
from harness.fleet.importers._full_audit import Audited, Prefix
from harness.fleet.importers._repeated import Repeated
from harness.fleet.importers._smbd import is_smbd_log
from harness.fleet.importers._smbstatus import LOOPBACK, UNKNOWN_DIALECT
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Sighting

_OURS: Final = re.compile(
    r"\bsmbd_audit(?:\[\d+\])?: |^[^|\n]{1,200}\|[^\n]{0,300}\|(?:ok|fail \([^)|]*\))(?:\||$)", re.MULTILINE
)
_NO_ADDRESS: Final = (
    "a line of full_audit without an address: full_audit:prefix = %u|%I|%m|%R has address, machine, dialect"
)
_NO_DIALECT: Final = (
    "these lines have no dialect: full_audit:prefix = %u|%I|%m|%R adds it (%R), in every release of Samba"
)
_ODD: Final = "a line of smbd_audit that is not PREFIX|OPERATION|RESULT"


class FullAudit:
    """``vfs objects = full_audit``."""

    name = "full-audit"
    title = "lines of vfs_full_audit from syslog or journalctl -t smbd_audit: full_audit:prefix = %u|%I|%m|%R"

    def recognises(self, head: str) -> bool:
        """By the program's name, or by lines of its form."""
        return _OURS.search(head) is not None and not is_smbd_log(head)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a client and second: of the lines of one second that say the same the first."""
        prefix, last = Prefix(), None
        known: Repeated[Audited, Sighting] = Repeated()
        named = any_read = False
        for number, line in enumerate(lines, 1):
            said = entry(line)
            found = prefix.read(said.text) if said.program in ("", "smbd_audit", "smbd") else None
            if found is None:
                if said.program == "smbd_audit":
                    tally.wonder(_ODD, number, line)
                else:
                    tally.passed_over += 1
                continue
            if not found.address:
                tally.wonder(_NO_ADDRESS, number, line)
                continue
            any_read = True
            named |= bool(found.dialect or found.unknown or found.smb2)
            if addresses.is_self(found.address):
                tally.leave_out(LOOPBACK)
                continue
            if said.lacks_year:
                tally.notice(NO_YEAR)
            if found.unknown:
                tally.notice(UNKNOWN_DIALECT.format(found.unknown))
            if (found, said.when) == last:
                tally.passed_over += 1
                continue
            last = found, said.when
            if found in known:
                yield known[found].again(Place(source, number), said.seen)
                continue
            one = Sighting(
                Place(source, number),
                address=found.address,
                name=found.name,
                seen=said.seen,
                dialect=found.dialect,
                unknown_dialect=found.unknown,
                smb2=found.smb2,
            )
            yield known.keep(found, one)
        if any_read and not named:
            tally.notice(_NO_DIALECT)


IMPORTER = FullAudit()
