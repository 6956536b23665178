"""Lines of vfs_full_audit(8): ``PREFIX|OPERATION|RESULT|...``, where the prefix is the user's own choice.

What a field of the prefix is shows itself: an address, a dialect (%R of smb.conf(5)). A name alone may be
that of the machine (%m), a share (%S), a domain or a group: only what cannot be another is taken for it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from harness.fleet import addresses
from harness.fleet.importers._dialects import dialect, lan_manager, some_smb2
from harness.model import Dialect

_LINE: Final = re.compile(r"(.+?)\|([a-z][a-z_0-9]{2,40})\|(?:ok|fail \([^)|]*\))(?:\|([^|]*)|$)")
_PROTOCOL: Final = re.compile(r"NT1|SMB[23](?:_[0-9A-F]{2})?|CORE(?:PLUS)?|LANMAN[12]")
_OF_SHARES: Final = frozenset({"connect", "disconnect"})
_OK: Final = "|ok|"
_MOST_FIELDS: Final = 24
_MOST_KEPT: Final = 16384
_LONGEST_KEPT: Final = 300
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\$?")


class Audited(NamedTuple):
    """What one line says of the client."""

    address: str
    name: str
    dialect: Dialect | None
    unknown: str
    smb2: bool
    """A dialect of SMB2 or later, and the line does not say which."""


class Prefix:
    """What is known of the prefix of a source, from its lines so far."""

    def __init__(self) -> None:
        self._shares: set[int] = set()
        """Which fields are the share's name: seen where a line tells of a connection to one."""
        self._not_shares: set[int] = set()
        self._kept: dict[str, Audited] = {}
        """What prefixes say that were read already."""
        self._lines: dict[str, Audited] = {}
        """The same, by prefix and operation: of operations that tell nothing of which field is what."""

    def read(self, text: str) -> Audited | None:
        """What a line says; None for one of something else."""
        begin, ok, _ = text.partition(_OK)
        if ok and (known := self._lines.get(begin)) is not None:
            return known
        line = _LINE.match(text.strip())
        if line is None:
            return None
        said, operation, first = line.groups()
        if operation in _OF_SHARES and first is not None:
            self._learn(said.split("|"), first.rstrip())
        found = self._kept.get(said)
        if found is None:
            found = self._meant(said.split("|"))
            if len(self._kept) < _MOST_KEPT and len(said) < _LONGEST_KEPT:
                self._kept[said] = found
        elif operation not in _OF_SHARES and begin == f"{said}|{operation}" and len(self._lines) < _MOST_KEPT:
            self._lines[begin] = found
        return found

    def _learn(self, prefix: list[str], share: str) -> None:
        """A line tells of a connection to a share: which fields have its name, and which do not."""
        known = len(self._shares), len(self._not_shares)
        for number, word in enumerate(prefix[:_MOST_FIELDS]):
            (self._shares if word == share else self._not_shares).add(number)
        if known != (len(self._shares), len(self._not_shares)):
            self._kept.clear()
            self._lines.clear()

    def _meant(self, prefix: list[str]) -> Audited:
        del prefix[_MOST_FIELDS:]
        address, at = "", -1
        for number, word in enumerate(prefix):
            if found := addresses.address(word):
                address, at = found, number
                break
        level = next((word for word in prefix if _PROTOCOL.fullmatch(word)), "")
        spoken, unknown = dialect(level)
        if lan_manager(level):
            spoken, unknown = None, level
        return Audited(address, self._machine(prefix, at), spoken, unknown, some_smb2(level))

    def _machine(self, prefix: list[str], at: int) -> str:
        """The name of the machine: the field behind its address, where that is no share."""
        machine = at + 1
        if at < 0 or machine >= len(prefix) or machine in self._shares:
            return ""
        word = prefix[machine]
        others = [one for one in prefix[machine + 1 :] if not _PROTOCOL.fullmatch(one)]
        # Without a line that tells: user, address, machine, share is how the manual has it.
        known = machine in self._not_shares or bool(others)
        if not known or _PROTOCOL.fullmatch(word) or not _NAME.fullmatch(word):
            return ""
        return addresses.name(word)
