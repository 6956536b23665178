"""Host lines of NetExec and CrackMapExec: what machines serve, and which build they say that they are.

``nxc smb TARGETS`` prints a line a host. (signing:True) is "signing required". (SMBv1:True) is SMB1 spoken;
(SMBv1:False) is none; (SMBv1:None) is "not asked", which is no "off". Lines of logons are the scanner's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet.importers._naming import clean, who
from harness.fleet.importers._repeated import Repeated
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Role, Sighting
from harness.model import Dialect

NOT_ASKED: Final = (
    "SMBv1:None means that NetExec did not ask for SMB1, not that it is off: nmap --script smb-protocols asks"
)
SERVES: Final = "NetExec tells what machines serve; with which dialect they connect to others it cannot tell"

_OTHER: Final = "a line that is none of NetExec's"
_NOBODY: Final = "a host without an address or a name"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HOST = re.compile(
    r"(?:^|\s)SMB\s+(?P<address>\S+)\s+(?P<port>\d{1,5})\s+(?P<host>\S+)\s+\[\*\]\s+(?P<said>.*?)\s*"
    r"\(name:(?P<name>[^)]*)\)(?P<facts>.*)$"
)
_FACT = re.compile(r"\((?P<name>[A-Za-z0-9 ]+):(?P<value>[^)]*)\)")
_LEVEL = re.compile(
    r"(?:^|\s)NTLMV1\s+(?P<address>\S+)\s+\d+\s+(?P<host>\S+)\s+.*LmCompatibilityLevel\s*=\s*(?P<level>\d)"
)
_SENDS_NTLMV2: Final = 3
"""LmCompatibilityLevel 0 to 2 send LM or NTLMv1 responses, 3 and above NTLMv2 alone."""
_MODULE = re.compile(r"(?:^|\s)[A-Z][A-Z0-9_-]+\s+\S+\s+\d{1,5}\s+\S+\s+\S")
_OURS = re.compile(
    r"(?:^|\s)SMB\s+\S+\s+\d{1,5}\s+\S+\s+\[\*\].*\(name:[^)]*\).*\((?:signing|SMBv1):", re.MULTILINE
)
_TRUTH: Final = {"True": True, "False": False}


class _NetExec:
    name = "netexec"
    title = "host lines of NetExec or CrackMapExec: nxc smb TARGETS"

    def recognises(self, head: str) -> bool:
        return bool(_OURS.search(_COLOUR.sub("", head)))

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        known: Repeated[str, Sighting] = Repeated()
        for number, line in enumerate(lines, start=1):
            if line in known:
                yield known[line].again(Place(source, number))
                continue
            text = _COLOUR.sub("", line) if "\x1b" in line else line
            if found := _HOST.search(text):
                for one in _host(found, Place(source, number), tally, text):
                    # A machine says the same in every scan.
                    yield known.keep(line, one)
            elif level := _LEVEL.search(text):
                yield from _level(level, Place(source, number), tally)
            elif not text.strip() or _MODULE.search(text):
                tally.passed_over += 1
            else:
                tally.wonder(_OTHER, number, text)


def _host(found: re.Match[str], place: Place, tally: Tally, text: str) -> Iterator[Sighting]:
    machine, named = who(found["address"]), who(found["name"]) or who(found["host"])
    if machine.here:
        tally.passed_over += 1
        return
    if not machine.address and not named.name:
        tally.wonder(_NOBODY, place.line, text)
        return
    facts = {fact["name"]: fact["value"] for fact in _FACT.finditer(found["facts"])}
    smb1 = facts.get("SMBv1", "")
    if smb1 == "None":
        tally.notice(NOT_ASKED)
    tally.notice(SERVES)
    yield Sighting(
        place,
        address=machine.address,
        name=named.name,
        role=Role.SERVER,
        dialect=Dialect.NT1 if _TRUTH.get(smb1) else None,
        signed=_TRUTH.get(facts.get("signing", "")),
        said=clean(found["said"]),
    )


def _level(found: re.Match[str], place: Place, tally: Tally) -> Iterator[Sighting]:
    """The module ntlmv1 reads how the machine itself logs on to others; nobody saw it do so."""
    machine, named = who(found["address"]), who(found["host"])
    if int(found["level"]) >= _SENDS_NTLMV2 or machine.here or not (machine or named):
        tally.passed_over += 1
        return
    yield Sighting(place, address=machine.address, name=named.name, role=Role.LISTED, logon=Logon.NTLMV1)


IMPORTER = _NetExec()
