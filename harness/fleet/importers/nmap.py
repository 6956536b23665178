"""SMB scripts of nmap: what machines serve, as text (nmap -oN, or the window) and as XML (-oX).

smb-protocols, smb2-security-mode, smb-security-mode and smb-os-discovery (nmap.org/nsedoc). They tell of the
machine as a server: with which dialects it would connect to another one does not follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final
from xml.etree.ElementTree import Element

from harness.fleet.forms import xml
from harness.fleet.forms.dates import Dates
from harness.fleet.importers._dialects import dialect
from harness.fleet.importers._naming import clean, who
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Role, Sighting
from harness.model import Dialect

ASK: Final = (
    "nmap ran without the scripts that tell of SMB. These do: nmap -p 139,445 --script "
    "smb-protocols,smb2-security-mode,smb-security-mode,smb-os-discovery -oX smb.xml TARGETS"
)
SERVES: Final = "nmap tells what machines serve; with which dialect they connect to others it cannot tell"
DOWN: Final = "every host is down, by nmap; -Pn asks them all the same"

_FAILED: Final = "a script that failed"
_NO_HOST: Final = "a host that cannot be read"
_NOBODY: Final = "a host without an address or a name"

_REPORT = re.compile(
    r"Nmap scan report for (?:(?P<name>\S+) \((?P<address>[^)]+)\)|(?P<only>\S+))(?P<down> \[host down.*)?"
)
_GREPABLE = re.compile(r"Host: (?P<address>\S+) \((?P<name>[^)]*)\)\s+Ports: (?P<ports>.*)")
"""A host of ``-oG``, which has its ports and no scripts."""
_OPEN = re.compile(r"(?:^|[\s,])(?:139|445)/open/tcp/")
_PORT = re.compile(r"(?:139|445)/tcp\s+(?P<state>\S+)")
_MAC = re.compile(r"MAC Address: \S+ \((?P<vendor>[^)]*)\)")
_SCRIPT = re.compile(r"\|(?P<last>_?)\s?(?P<id>(?:smb2?-[a-z0-9-]+|nbstat)):\s*(?P<rest>.*)")
_LINE = re.compile(r"\|(?:_| ) ?(?P<text>.*)")
_STARTED = re.compile(
    r"(?:# Nmap \S+ scan initiated|Starting Nmap .*? at) (?P<when>.*?)(?: [A-Z]{3,5})?(?: as:.*)?$"
)
_DIALECT = re.compile(r"\s*(?P<name>NT LM 0\.12|\d[\d.:]*)\s*(?:\(.*)?(?:\[.*)?$")
_OURS = re.compile(
    r"^Nmap scan report for |^# Nmap \S+ scan|^Starting Nmap |<nmaprun[\s>]|<!DOCTYPE nmaprun", re.MULTILINE
)
_REQUIRED, _OPTIONAL = (
    re.compile(r"\brequired\b"),
    re.compile(r"not required|supported|disabled|disabled \(dangerous"),
)
_ERROR = re.compile(r"ERROR: |Could not negotiate|No dialects accepted", re.IGNORECASE)
_LONGEST_DIALECT, _MOST_DIALECTS = 80, 32
_VENDORLESS = frozenset({"", "unknown"})


@dataclass(slots=True)
class _Host:
    number: int
    address: str = ""
    name: str = ""
    vendor: str = ""
    system: str = ""
    open: bool = False
    down: bool = False
    spoken: list[tuple[Dialect | None, str]] = field(default_factory=list)
    signing: set[bool] = field(default_factory=set)
    """Whether signing is required, by each dialect that was asked."""
    asked: bool = False
    """A script told something of SMB."""

    def script(self, id_: str, lines: Iterable[str], number: int, tally: Tally) -> None:
        """What one script printed."""
        for line in lines:
            if _ERROR.search(line):
                tally.wonder(_FAILED, number, f"{id_}: {line.strip()}")
            elif id_ == "smb-protocols" and (found := _DIALECT.match(line)):
                one = dialect(found["name"][:_LONGEST_DIALECT])
                if one not in self.spoken and len(self.spoken) < _MOST_DIALECTS:
                    self.spoken.append(one)
                self.asked = True
            elif id_ in ("smb2-security-mode", "smb-security-mode") and "signing" in line:
                self.signing.add(bool(_REQUIRED.search(line)) and not _OPTIONAL.search(line))
                self.asked = True
            elif id_ == "smb-os-discovery":
                self._of_system(line)
            elif id_ == "nbstat" and (named := re.search(r"NetBIOS name: ([^,\s]+)", line)):
                self.name = self.name or who(named[1]).name

    def _of_system(self, line: str) -> None:
        label, _, value = line.partition(":")
        value = value.strip().replace("\\x00", "")
        if label.strip() == "OS" and value:
            self.system, self.asked = value, True
        elif label.strip() in ("FQDN", "Computer name", "NetBIOS computer name") and value:
            self.name = self.name or who(value).name

    def sightings(self, source: str, when: str, dates: Dates, tally: Tally) -> Iterator[Sighting]:
        """One a dialect, or one without where none is known; none of a machine that serves no SMB."""
        if self.down or not (self.open or self.asked):
            tally.passed_over += 1
            return
        machine = who(self.address)
        if machine.here:
            tally.passed_over += 1
            return
        if not machine.address and not self.name:
            tally.wonder(_NOBODY, self.number, f"{self.address} {self.name}")
            return
        if not self.asked:
            tally.notice(ASK)
        seen = dates.read(when, self.number)
        said = clean(", ".join(filter(None, (self.system, self.vendor))))
        for known, unknown in self.spoken or [(None, "")]:
            yield Sighting(
                Place(source, self.number),
                address=machine.address,
                name=self.name,
                role=Role.SERVER,
                seen=seen,
                dialect=known,
                unknown_dialect=unknown,
                signed=all(self.signing) if self.signing else None,
                said=said,
            )


class _Nmap:
    name = "nmap"
    title = (
        "SMB scripts of nmap, as text or XML: nmap -p 445 --script smb-protocols,smb2-security-mode -oX FILE"
    )

    def recognises(self, head: str) -> bool:
        return bool(_OURS.search(head))

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        waiting = iter(lines)
        before: list[str] = []
        for line in waiting:
            before.append(line)
            if line.strip():
                break
        every = chain(before, waiting)
        is_xml = bool(before) and before[-1].lstrip("\ufeff \t").startswith("<")
        hosts = _of_xml(every, tally) if is_xml else _of_text(every, tally)
        dates = Dates(tally)
        up = some = False
        for when, host in hosts:
            some, up = True, up or not host.down
            yield from host.sightings(source, when, dates, tally)
        if some:
            tally.notice(SERVES)
        if some and not up:
            tally.answers_nothing = DOWN


def _of_text(lines: Iterable[str], tally: Tally) -> Iterator[tuple[str, _Host]]:
    when, host, script = "", None, ""
    for number, line in enumerate(lines, start=1):
        if started := _STARTED.match(line):
            when = started["when"]
        elif report := _REPORT.match(line.strip()):
            if host:
                yield when, host
            host, script = _Host(number), ""
            host.address = report["address"] or report["only"]
            host.name = who(report["name"] or report["only"]).name
            host.down = report["down"] is not None
        elif grepable := _GREPABLE.match(line):
            if host:
                yield when, host
            host, script = _Host(number), ""
            host.address, host.name = grepable["address"], who(grepable["name"]).name
            host.open = _OPEN.search(grepable["ports"]) is not None
        elif host and (named := _SCRIPT.match(line)):
            script = named["id"]
            host.script(script, [named["rest"]], number, tally)
        elif host and script and (more := _LINE.match(line)):
            host.script(script, [more["text"]], number, tally)
        elif host and (port := _PORT.match(line)):
            host.open = host.open or port["state"] == "open"
        elif host and (mac := _MAC.match(line)):
            host.vendor = "" if mac["vendor"].lower() in _VENDORLESS else mac["vendor"]
        else:
            script = "" if not line.startswith("|") else script
            tally.passed_over += 1
    if host:
        yield when, host


def _of_xml(lines: Iterable[str], tally: Tally) -> Iterator[tuple[str, _Host]]:
    for number, element, head in xml.elements(lines, "host"):
        if isinstance(element, str):
            tally.wonder(_NO_HOST, number, f"{element}: {head}")
        else:
            # Seconds since 1970, as JSON of Microsoft writes milliseconds.
            started = element.get("starttime") or ""
            yield (f"/Date({started}000)/" if started.isdecimal() else ""), _host(element, number, tally)


def _host(element: Element, number: int, tally: Tally) -> _Host:
    host = _Host(number)
    status = element.find("status")
    host.down = status is not None and status.get("state") == "down"
    for address in element.findall("address"):
        if address.get("addrtype") == "mac":
            host.vendor = address.get("vendor") or ""
        else:
            host.address = host.address or address.get("addr") or ""
    for named in element.iter("hostname"):
        host.name = host.name or who(named.get("name") or "").name
    for port in element.iter("port"):
        state = port.find("state")
        if port.get("portid") in ("139", "445") and state is not None:
            host.open = host.open or state.get("state") == "open"
    for script in element.iter("script"):
        lines = (script.get("output") or "").splitlines() or _lines_of(script)
        host.script(script.get("id") or "", lines, number, tally)
    return host


def _lines_of(script: Element) -> list[str]:
    """The same lines from the tables of a script whose output was left out."""
    return [f"{part.get('key') or ''}: {part.text or ''}".removeprefix(": ") for part in script.iter("elem")]


IMPORTER = _Nmap()
