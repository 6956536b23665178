"""Lines of the Linux kernel's SMB client (cifs.ko, mount.cifs): they speak of the machine that wrote them.

It is a client, of which server is said at most in passing. A return code is an errno: -13 is EACCES, whatever
was refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet import addresses
from harness.fleet.forms.syslog import NO_YEAR, Entry, entry
from harness.fleet.forms.when import moment
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Sighting
from harness.model import Dialect

_OURS: Final = re.compile(
    r"\bCIFS(?: VFS)?: |No dialect specified on mount|\bmount(?:\.cifs)?(?:\[\d+\])?: mount error"
    r"|^mount error[:(]|\bcifs_mount failed|Dialect not supported by server",
    re.MULTILINE,
)
_SAID: Final = "Linux, the kernel's SMB client (cifs.ko)"
_DMESG: Final = re.compile(r"\s*\[([^\]]*)\]\s*")
_LESS_SECURE: Final = re.compile(r"Use of the less secure dialect vers=(\d\.\d)")
_RETURN: Final = re.compile(r"return code = (-?\d+)|mount error\((\d+)\)")
_CODES: Final = {
    13: "-13 is EACCES: a logon or a permission was refused, which says nothing of dialects",
    95: "-95 is EOPNOTSUPP: server and client have no dialect or option in common",
    112: "-112 is EHOSTDOWN: no answer, or the server closed the connection",
    2: "-2 is ENOENT: there is no such share or path",
    5: "-5 is EIO",
    22: "-22 is EINVAL: an option of mount.cifs is wrong",
    111: "-111 is ECONNREFUSED: nothing listens there",
    115: "-115 is EINPROGRESS: no answer in time",
    126: "-126 is ENOKEY: no Kerberos ticket, or none that is known",
    128: "-128 is EKEYREVOKED: no Kerberos ticket any more",
}
_CLOSED: Final = (
    '"Server abruptly closed the connection" is how it looks when the server has no dialect of the client, '
    "and when it is restarted: the server's log tells which"
)
_DEFAULT: Final = (
    'where "No dialect specified on mount" stands the client offers 2.1 and later, and no SMB1 '
    "(mount.cifs(8), since kernel 4.13.5)"
)
_NO_HOST: Final = (
    "these lines do not say which machine wrote them (dmesg): take journalctl -k -o short-iso there, whose "
    "lines begin with its name"
)
_VERS: Final = {"1.0": (Dialect.NT1,), "2.0": (Dialect.SMB2_02,)}


class CifsKernel:
    """``dmesg`` or the journal of a Linux client."""

    name = "cifs-kernel"
    title = "kernel lines of a Linux client that mounts shares: journalctl -k -o short-iso, on the client"

    def recognises(self, head: str) -> bool:
        """By the names under which the kernel and mount.cifs speak."""
        return _OURS.search(head) is not None

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a line that names its machine: a Linux client, and the dialect it was told to use."""
        for number, line in enumerate(lines, 1):
            said = entry(line)
            if _OURS.search(line) is None and not _LESS_SECURE.search(line):
                tally.passed_over += 1
                continue
            _explained(said.text, tally)
            name = addresses.name(said.host)
            if not name:
                tally.leave_out(_NO_HOST)
                continue
            if said.lacks_year:
                tally.notice(NO_YEAR)
            yield _sighting(Place(source, number), name, said)


def _sighting(place: Place, name: str, said: Entry) -> Sighting:
    told = _LESS_SECURE.search(said.text)
    stamp = _DMESG.match(said.text)
    return Sighting(
        place,
        name=name,
        seen=said.seen or (moment(stamp.group(1)) if stamp else None),
        # It was mounted with that one: whether the server took it stands in no line.
        offered=_VERS.get(told.group(1), ()) if told else (),
        said=_SAID,
    )


def _explained(text: str, tally: Tally) -> None:
    if found := _RETURN.search(text):
        code = int((found.group(1) or found.group(2)).lstrip("-")[:4])
        if code in _CODES:
            tally.notice(_CODES[code])
    if "abruptly closed" in text:
        tally.notice(_CLOSED)
    if "No dialect specified on mount" in text:
        tally.notice(_DEFAULT)


IMPORTER = CifsKernel()
