"""What an event says of a machine, by who wrote it and its number.

Sources: [M] its own message, [L] learn.microsoft.com, KB articles of Microsoft by their numbers.

- SMBServer 1001: SMB1 was tried, and SMB1 is off (L, "file server").
- SMBServer 3000: SMB1 was used or tried: the text is the same (M; L, "Auditing SMBv1 usage").
- SMBServer 3002: SMB1 was tried, and it is not installed (M).
- SMBServer 3021, 3022: the client does not support signing; encryption (L, "SMB signing and encryption
  auditing", names both numbers; 3021 is signing by KB5066913, so 3022 is encryption: inferred).
- SMBServer 3023: a guest logged on (L, guest auditing).
- SMBServer 3024, 3025, 3026: the client sent no SPN, an unknown one, an empty one (KB5066913).
- SMBServer 3027: an SMB1 client that does not announce signing (KB5066913, which calls it unreliable).
- SMBClient 31998, 31999: a server supports no signing or no encryption; the message tells which (as 3021).
- SMBClient 31017, 31022: this machine rejected a guest logon; was logged on as guest (KB4046019).
- SMBClient 32000, 32002: a server answered with SMB1 (L, "SMBv1 is not installed by default").
- NTLM 4020, 4021; 4022, 4023: this machine; a remote client used NTLM, and which version (KB5064479).
- NTLM 4024, 4025: this machine made credentials of NTLMv1: audited; blocked (KB5066470).
- NTLM 4001, 8001; 4003, 8003; 4004, 8004: NTLM of this machine; of a workstation; as a domain controller
  saw it (M).
- Security 4624, 4625: a network logon and its package; a refused one (L). Not every network logon is SMB.
- Security 4776: a domain controller checked a password by NTLM (L). 5140, 5145: a share was opened (L).

Events 5168 (SPN check failed), 8002, 4002, LsaSrv 6038 and 6039 name no machine: their addresses are the
server's own, and the user is told so. What else an SMB or NTLM log holds is not understood, and said so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from harness.fleet.forms.dates import Dates
from harness.fleet.importers._event import LABELS, Area, Event, key
from harness.fleet.importers._naming import Who, who
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Role, Sighting
from harness.model import Dialect
from harness.smb import status

UNKNOWN: Final = "an event of a log of SMB or NTLM whose meaning is not known here"
NOBODY: Final = "an event that names no machine"
MAYBE_REFUSED: Final = (
    "event 3000 says that SMB1 was used or tried, and not whether the server let it in: where the server has "
    "SMB1 off, these machines were refused (smbclient -L tries SMB1 so, and works without)"
)
UNSURE_SIGNING: Final = (
    "event 3027 is not reliable by Microsoft's own word (KB5066913): an SMB1 client may sign without "
    "announcing it"
)
SPN: Final = (
    "some clients send no, an empty or an unknown server name with their logon (events 3024 to 3026): they "
    "are lost where the server requires SPN validation, and nothing here rehearses that"
)
NTLMV1_ELSEWHERE: Final = (
    "events 4024 and 4025 tell of NTLMv1 in other protocols too, such as MS-CHAPv2 of a VPN (KB5066470)"
)
NAMES_NO_CLIENT: Final = (
    "events 5168, 8002, 4002, 6038 and 6039 name no client: the addresses in 5168 are the server's own. "
    "Event 4624 with the same Logon ID names it"
)
GUEST_REJECTED: Final = (
    "event 31017: the machine that wrote it rejects guest logons itself, so it does not use guest"
)
WHICH: Final = (
    "events 31998 and 31999 without their message do not tell whether signing or encryption is missing: "
    "export them with their message"
)
FOREIGN: Final = (
    "some messages are in a language whose labels are not known here: of those only the event's number and "
    "the address were read. XML needs no language: wevtutil qe LOG /f:xml > events.xml"
)

_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}\]?)(?![\w.])"
)
_PACKAGE = re.compile(r"\bNTLM ?V([12])\b", re.IGNORECASE)
_SOCKADDR = re.compile(
    r"(?:0200[0-9A-F]{4}(?P<four>[0-9A-F]{8})|1700[0-9A-F]{12}(?P<six>[0-9A-F]{32}))[0-9A-F]*", re.IGNORECASE
)
"""SOCKADDR_IN and SOCKADDR_IN6 of Winsock in hexadecimal, as the XML of SMBServer holds addresses."""
_CLIENT_KEYS = (
    "clientname",
    "clientaddress",
    "clientipaddress",
    "client",
    "remoteaddress",
    "ipaddress",
    "address",
)
_NETWORK_LOGON = "3"
_ANONYMOUS_SID, _GUEST_RID = "S-1-5-7", "-501"
_GUESTS = ("guest", "gast", "ゲスト")


class Teller:
    """Turns events of one source into sightings."""

    def __init__(self, source: str, tally: Tally) -> None:
        self._source = source
        self._tally = tally
        self._dates = Dates(tally)

    def tell(self, event: Event) -> Iterator[Sighting]:
        """What it says of a machine; a word to the tally where it says nothing."""
        meaning = _meaning(event)
        if meaning is None:
            known = event.area in (Area.SMB_SERVER, Area.SMB_CLIENT, Area.NTLM)
            if known:
                self._tally.wonder(UNKNOWN, event.number, f"event {event.id}: {event.head}")
            else:
                self._tally.passed_over += 1
            return
        _read_message(event, self._tally)
        yield from meaning(event, self)

    def sighting(self, event: Event, machine: Who, **facts: object) -> Iterator[Sighting]:
        """Of that machine, unless the event names none or the server itself."""
        if machine.here:
            self._tally.passed_over += 1
        elif not machine:
            self._tally.wonder(NOBODY, event.number, f"event {event.id}: {event.head}")
        else:
            yield Sighting(
                Place(self._source, event.number),
                address=machine.address,
                name=machine.name,
                seen=self._dates.read(event.when, event.number),
                **facts,  # type: ignore[arg-type]
            )

    def again(self, one: Sighting, number: int, when: str) -> Sighting:
        """What another event of the same words says at another time."""
        return one.again(Place(self._source, number), self._dates.read(when, number))

    def nothing(self, notice: str = "") -> Iterator[Sighting]:
        """It is understood, and names no machine."""
        self._tally.passed_over += 1
        if notice:
            self._tally.notice(notice)
        yield from ()

    def notice(self, sentence: str) -> None:
        self._tally.notice(sentence)


Meaning = Callable[[Event, Teller], Iterator[Sighting]]


def _meaning(event: Event) -> Meaning | None:
    area = event.area
    if area is not Area.UNSAID:
        return _MEANINGS.get((area, event.id))
    if event.id in SAYS_SMB and event.message and "SMB" not in event.message.upper():
        # Another program's event of that number.
        return None
    found = [does for (_, number), does in _MEANINGS.items() if number == event.id and number != _OF_MANY]
    return found[0] if len(found) == 1 else None


SAYS_SMB: Final = frozenset({3000, 3002, *range(3021, 3028)})
"""Events of SMBServer whose messages say SMB in every language: without their log they are known by that."""
_OF_MANY = 1001
"""A number that many programs use: known only with its log."""


def is_cut(message: str) -> bool:
    """Whether a table has cut that message off."""
    return message.rstrip().endswith(("...", "…"))


def _read_message(event: Event, tally: Tally) -> None:
    """Puts what the message says by its labels beside the named values."""
    understood = bool(event.data) or not event.message
    for line in event.message.splitlines():
        label, colon, value = line.replace("：", ":").partition(":")
        if colon and (name := LABELS.get(key(label))):
            understood = True
            if value.strip(" :\t"):
                event.data[name] = value.strip(" :\t")
    if not understood and not is_cut(event.message):
        tally.notice(FOREIGN)
        found = [who(at[0]) for at in _ADDRESS.finditer(event.message)]
        if first := next(filter(None, found), None):
            event.data["clientaddress"] = event.data["ipaddress"] = first.address
        if package := _PACKAGE.search(event.message):
            event.data["lmpackagename"] = f"NTLM V{package[1]}"


def _client(event: Event) -> Who:
    """Who an event of SMBServer speaks of: its address where one is there, and its name."""
    words = [event.data[name] for name in _CLIENT_KEYS if event.data.get(name)] or event.values[:1]
    found = [who(_plain_address(word)) for word in words]
    if len(found) == 1:
        return found[0]
    return Who(
        next((one.address for one in found if one.address), ""),
        next((one.name for one in found if one.name), ""),
        here=any(one.here for one in found),
    )


def _plain_address(word: str) -> str:
    found = _SOCKADDR.fullmatch(word.strip()) if "." not in word else None
    if not found:
        return word
    if found["four"]:
        return ".".join(str(byte) for byte in bytes.fromhex(found["four"]))
    return ":".join(found["six"][at : at + 4] for at in range(0, 32, 4))


def _server(event: Event) -> Who:
    words = [event.data[name] for name in ("servername", "serveraddress", "address") if event.data.get(name)]
    return next(filter(None, map(who, words or event.values[:1])), Who())


def _from(*names: str) -> Callable[[Event], Who]:
    def found(event: Event) -> Who:
        all_of = [who(event.data.get(name, "")) for name in names]
        return Who(
            next((one.address for one in all_of if one.address), ""),
            next((one.name for one in all_of if one.name), ""),
            here=any(one.here for one in all_of),
        )

    return found


def _writer(event: Event) -> Who:
    return who(event.computer)


def _of(machine: Callable[[Event], Who], notice: str = "", **facts: object) -> Meaning:
    """An event that says these facts of that machine."""

    def tell(event: Event, teller: Teller) -> Iterator[Sighting]:
        for one in teller.sighting(event, machine(event), **facts):
            if notice:
                teller.notice(notice)
            yield one

    return tell


def _names_nobody(notice: str) -> Meaning:
    def tell(_: Event, teller: Teller) -> Iterator[Sighting]:
        yield from teller.nothing(notice)

    return tell


def _server_lacks(event: Event, teller: Teller) -> Iterator[Sighting]:
    said = event.message.casefold()
    signing = any(word in said for word in ("signing", "signatur", "signier", "署名"))
    encryption = any(word in said for word in ("encrypt", "verschlüssel", "暗号"))
    if signing == encryption:
        teller.notice(WHICH)
    yield from teller.sighting(
        event,
        _server(event),
        role=Role.SERVER,
        cannot_sign=signing and not encryption,
        cannot_encrypt=encryption and not signing,
    )


def _ntlm_version(machine: Callable[[Event], Who]) -> Meaning:
    def tell(event: Event, teller: Teller) -> Iterator[Sighting]:
        said = _PACKAGE.search(event.data.get("ntlmversion", "")) or _PACKAGE.search(event.message)
        yield from teller.sighting(event, machine(event), logon=_package(said[0] if said else "", "NTLM"))

    return tell


def _outgoing(event: Event, teller: Teller) -> Iterator[Sighting]:
    """NTLM of the machine that wrote it, to a server: HTTP, LDAP and others do so, too."""
    target = event.data.get("targetname", "").casefold()
    if "/" in target and not target.startswith(("cifs/", "host/")):
        yield from teller.nothing()
    else:
        yield from teller.sighting(event, _writer(event), logon=Logon.NTLM)


_LOGON_FROM = _from("ipaddress", "workstationname")


def _logon(event: Event, teller: Teller) -> Iterator[Sighting]:
    data = event.data
    kind = next(iter(data.get("logontype", "").split()), _NETWORK_LOGON)
    if kind.strip("(),") != _NETWORK_LOGON:
        yield from teller.nothing()
        return
    refused = _refusal(data) if event.id == _FAILED_LOGON else ""
    yield from teller.sighting(event, _LOGON_FROM(event), logon=_way(data), refused=refused)


_FAILED_LOGON = 4625


def _way(data: Mapping[str, str]) -> Logon | None:
    """How it logged on. A null session is one whatever its package is: Windows writes NTLM V1 for it, which
    is no use of NTLMv1 (KB4090105)."""
    account = data.get("targetusersid", "").strip()
    name = (data.get("targetusername") or account.rpartition("\\")[2]).casefold()
    if account == _ANONYMOUS_SID or "ANONYMOUS" in account.upper() or name.startswith("anonymous"):
        return Logon.ANONYMOUS
    if (account.startswith("S-1-5-21-") and account.endswith(_GUEST_RID)) or name in _GUESTS:
        return Logon.GUEST
    return _package(data.get("lmpackagename", ""), data.get("authenticationpackagename", ""))


def _package(version: str, package: str) -> Logon | None:
    """[MS-NLMP] 3.3.1: an LM response is one of NTLM v1 authentication."""
    if found := _PACKAGE.search(version):
        return Logon.NTLMV1 if found[1] == "1" else Logon.NTLMV2
    if version.strip().upper() == "LM":
        return Logon.NTLMV1
    said = package.strip().upper()
    if said == "KERBEROS":
        return Logon.KERBEROS
    return Logon.NTLM if said == "NTLM" else None


def _refusal(data: Mapping[str, str]) -> str:
    for name in ("substatus", "status"):
        try:
            code = int(data.get(name, "").strip() or "0", 16)
        except ValueError:
            continue
        if code:
            return status.name(code)
    return ""


_CLIENT_OR_ADDRESS = _from("clientip", "remoteclientmachine")
_WORKSTATION = _from("workstationname", "workstation")
_SERVER_AREA, _CLIENT_AREA = Area.SMB_SERVER, Area.SMB_CLIENT

_MEANINGS: Final[Mapping[tuple[Area, int], Meaning]] = {
    (_SERVER_AREA, _OF_MANY): _of(_client, smb1_refused=True),
    (_SERVER_AREA, 3000): _of(_client, MAYBE_REFUSED, dialect=Dialect.NT1),
    (_SERVER_AREA, 3002): _of(_client, smb1_refused=True),
    (_SERVER_AREA, 3021): _of(_client, cannot_sign=True),
    (_SERVER_AREA, 3022): _of(_client, cannot_encrypt=True),
    (_SERVER_AREA, 3023): _of(_client, logon=Logon.GUEST),
    (_SERVER_AREA, 3024): _of(_client, SPN, wrong_spn=True),
    (_SERVER_AREA, 3025): _of(_client, SPN, wrong_spn=True),
    (_SERVER_AREA, 3026): _of(_client, SPN, wrong_spn=True),
    (_SERVER_AREA, 3027): _of(_client, UNSURE_SIGNING, dialect=Dialect.NT1, cannot_sign=True),
    (_CLIENT_AREA, 31998): _server_lacks,
    (_CLIENT_AREA, 31999): _server_lacks,
    (_CLIENT_AREA, 31017): _of(_writer, GUEST_REJECTED),
    (_CLIENT_AREA, 31022): _of(_writer, logon=Logon.GUEST),
    (_CLIENT_AREA, 32000): _of(_server, role=Role.SERVER, dialect=Dialect.NT1),
    (_CLIENT_AREA, 32002): _of(_server, role=Role.SERVER, dialect=Dialect.NT1),
    (Area.NTLM, 4020): _ntlm_version(_writer),
    (Area.NTLM, 4021): _ntlm_version(_writer),
    (Area.NTLM, 4022): _ntlm_version(_CLIENT_OR_ADDRESS),
    (Area.NTLM, 4023): _ntlm_version(_CLIENT_OR_ADDRESS),
    (Area.NTLM, 4024): _of(_writer, NTLMV1_ELSEWHERE, logon=Logon.NTLMV1),
    (Area.NTLM, 4025): _of(_writer, NTLMV1_ELSEWHERE, logon=Logon.NTLMV1),
    (Area.NTLM, 4001): _outgoing,
    (Area.NTLM, 8001): _outgoing,
    (Area.NTLM, 4003): _of(_WORKSTATION, logon=Logon.NTLM),
    (Area.NTLM, 8003): _of(_WORKSTATION, logon=Logon.NTLM),
    (Area.NTLM, 4004): _of(_WORKSTATION, logon=Logon.NTLM),
    (Area.NTLM, 8004): _of(_WORKSTATION, logon=Logon.NTLM),
    (Area.NTLM, 4002): _names_nobody(NAMES_NO_CLIENT),
    (Area.NTLM, 8002): _names_nobody(NAMES_NO_CLIENT),
    (Area.LSA, 6038): _names_nobody(NAMES_NO_CLIENT),
    (Area.LSA, 6039): _names_nobody(NAMES_NO_CLIENT),
    (Area.SECURITY, 4624): _logon,
    (Area.SECURITY, _FAILED_LOGON): _logon,
    (Area.SECURITY, 4776): _of(_WORKSTATION, logon=Logon.NTLM),
    (Area.SECURITY, 5140): _of(_from("ipaddress")),
    (Area.SECURITY, 5145): _of(_from("ipaddress")),
    (Area.SECURITY, 5168): _names_nobody(NAMES_NO_CLIENT),
}
