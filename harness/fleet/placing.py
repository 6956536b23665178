"""Which kinds of client a machine may be: what names it, what is said of its make, and what was seen of it.

Sure is only what is named, or said and not spoken against. What was seen rules kinds out; that one is left
does not make a machine one of them, for there are more kinds than the catalogue has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.clients.base import Client
from harness.fleet.kinds import Kind, Words, kinds_of, meant
from harness.fleet.machine import Basis, Fleet, Machine, Placed
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

_NO_SUCH_WORDS = "these words name no kind that is known"


class Placing:
    """Places machines among the clients of a catalogue."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = frozenset(clients)
        self._kinds = kinds_of(clients)
        self._kept: dict[object, Placed] = {}

    def fleet(self, machines: Iterable[Machine], name: str) -> Fleet:
        """All machines, placed: who connects, who only serves, who only stands in a list."""
        clients, servers, listed = [], [], []
        for machine in machines:
            placed = self.place(machine)
            if machine.roles == {Role.SERVER}:
                servers.append(placed)
            elif Role.CLIENT in machine.roles or machine.named or not (machine.addresses or machine.names):
                clients.append(placed)
            else:
                listed.append(placed)
        return Fleet(tuple(clients), tuple(servers), tuple(listed), name)

    def place(self, machine: Machine) -> Placed:
        """One machine."""
        # Of thousands of machines the same few things are known: all that ``_place`` looks at.
        facts = (
            tuple(sorted(machine.dialects or ())),
            machine.offered,
            machine.held_at,
            (machine.smb1_refused, machine.smb2),
            tuple(sorted(machine.logons or ())),
            (machine.signed, machine.cannot_sign, machine.encrypted, machine.cannot_encrypt),
            (machine.unknown_dialects, machine.said, tuple((machine.named or {}).items())),
        )
        found = self._kept.get(facts)
        if found is None:
            found = self._kept[facts] = self._place(machine)
        return replace(found, machine=machine)

    def _place(self, machine: Machine) -> Placed:
        # A list may name what only the user's own catalogue has.
        own = {word: "its list" for word in machine.said if word in self._clients}
        named = {**own, **(machine.named or {})}
        if fit := tuple(sorted(self._clients & set(named))):
            places = "; ".join(f"{kind} by {named[kind]}" for kind in fit)
            return Placed(machine, fit, f"named so: {places}", Basis.NAMED)
        seen = in_words(machine)
        fits = self._fitting(machine)
        if words := meant(machine.said):
            text, _, entry = words[0]
            return self._by_words(machine, text, entry, fits, seen)
        told = [f"called {', '.join(machine.said)}: {_NO_SUCH_WORDS}"] if machine.said else []
        why = "; ".join(filter(None, [seen, *told])) or "nothing that was seen tells its kind"
        if named:
            why += f"; {', '.join(named)}: no client of the catalogue is called so"
        if not tells_kinds_apart(machine):
            return Placed(machine, (), why, Basis.NOTHING)
        if not fits:
            return Placed(machine, (), f"{why}: no kind of the catalogue does so", Basis.NOTHING)
        return Placed(machine, fits, why, Basis.FITS)

    def _by_words(self, machine: Machine, text: str, entry: Words, fits: Sequence[str], seen: str) -> Placed:
        known = [kind for kind in entry.kinds if kind in self._clients]
        data = {kind.name for kind in self._kinds}
        able = tuple(sorted(kind for kind in known if kind not in data or kind in self._able(machine)))
        able = self._without_variants(able)
        why = f'called "{text}"' + (f"; {seen}" if seen else "")
        if able:
            # Of a make of which only the old ones are so, what was seen must speak for it, too.
            sure = not entry.old or bool(machine.dialects or machine.offered or machine.smb1_refused)
            return Placed(machine, able, why, Basis.WORDS if sure else Basis.FITS)
        smb1 = machine.newest is Dialect.NT1 or machine.smb1_refused
        if entry.device and not smb1:
            return Placed(machine, (), f"{why}: the catalogue has no such kind", Basis.NOTHING)
        if not known and not smb1:
            return Placed(machine, (), f"{why}: the catalogue has no such kind", Basis.NOTHING)
        odd = f"{why}: not as {' or '.join(known) or 'any kind of the catalogue'} comes"
        if not tells_kinds_apart(machine) or not fits:
            return Placed(machine, (), odd, Basis.NOTHING)
        return Placed(machine, tuple(fits), odd, Basis.FITS)

    def _able(self, machine: Machine) -> frozenset[str]:
        return frozenset(kind.name for kind in self._kinds if not any(contradictions(machine, kind)))

    def _fitting(self, machine: Machine) -> tuple[str, ...]:
        return self._without_variants(sorted(self._able(machine)))

    def _without_variants(self, names: Iterable[str]) -> tuple[str, ...]:
        """A variant, which has another setting than its kind comes with, only where that kind is out."""
        names = tuple(names)
        based = {kind.name: kind.based_on for kind in self._kinds}
        return tuple(name for name in names if based.get(name, "") not in {*names} - {""})


def tells_kinds_apart(machine: Machine) -> bool:
    """Whether anything was seen of it that some kinds do and others do not."""
    return bool(
        machine.dialects
        or machine.offered
        or machine.smb1_refused
        or machine.smb2
        or machine.cannot_sign
        or machine.cannot_encrypt
        or {Logon.NTLMV1, Logon.GUEST} & set(machine.logons or ())
    )


def contradictions(machine: Machine, kind: Kind) -> Iterator[str]:
    """What was seen of a machine that a client of this kind does not do."""
    chosen = set(machine.dialects or ())
    if not chosen <= kind.speaks:
        yield "speaks what it does not"
    if machine.smb2 and kind.newest is Dialect.NT1:
        yield "speaks SMB1 alone"
    if machine.held_at and kind.newest not in machine.held_at and not machine.offered:
        # It would have spoken what the server spoke with others.
        yield "speaks more"
    if machine.offered and not _offers(machine.offered, kind):
        yield "offers something else"
    if machine.smb1_refused and not chosen - {Dialect.NT1} and kind.newest is not Dialect.NT1:
        yield "speaks more than SMB1"
    levels = {str(one) for one in machine.logons or () if one in (Logon.NTLMV1, Logon.NTLMV2)}
    if levels and kind.ntlm not in levels:
        yield "logs on otherwise"
    if Logon.GUEST in (machine.logons or ()) and not kind.guest:
        yield "refuses guest sessions"
    if machine.cannot_sign and not kind.never_signs:
        yield "can sign"
    guest = {Logon.GUEST, Logon.ANONYMOUS} & set(machine.logons or ())
    if machine.signed == {False} and not guest and kind.requires_signing:
        yield "requires signing"
    if True in machine.signed and kind.never_signs:
        yield "never signs"
    newer = kind.newest.revision >= Dialect.SMB3_00.revision
    if True in machine.encrypted and not newer:
        yield "cannot encrypt"
    if machine.cannot_encrypt and newer:
        yield "can encrypt"


def _offers(offered: Sequence[Dialect], kind: Kind) -> bool:
    """Whether such an offer may be one of this kind's.

    An SMB1-framed one names nothing newer than "SMB 2.???", which is 2.1 or later: all of it follows then.
    """
    seen = set(offered)
    if Dialect.NT1 in seen and not kind.asks_smb1:
        return False
    later = {one for one in seen if one is not Dialect.NT1}
    theirs = {one for one in kind.speaks if one is not Dialect.NT1}
    if not later:
        return not theirs
    if later == {Dialect.SMB2_02}:
        return Dialect.SMB2_02 in theirs
    if Dialect.NT1 in seen and later <= {Dialect.SMB2_02, Dialect.SMB2_10}:
        return later <= theirs
    return later == theirs


def in_words(machine: Machine) -> str:
    """What was seen of a machine, e.g. ``SMB1 alone, where others got SMB 2 or newer; NTLMv1``."""
    said = []
    dialects = sorted(machine.dialects or (), key=lambda one: one.revision)
    if dialects:
        spoken = " and ".join(one.in_words for one in dialects)
        said.append(
            f"spoke {spoken}" + (", and others a newer one in the same source" if machine.held_at else "")
        )
    if machine.smb2 and not any(one is not Dialect.NT1 for one in dialects):
        said.append("spoke SMB2 or later")
    if machine.unknown_dialects:
        said.append(f"spoke {', '.join(machine.unknown_dialects)}, which is no dialect that is known")
    if machine.offered:
        said.append(f"offered {', '.join(one.in_words for one in machine.offered)}")
        newest = max(machine.offered, key=lambda one: one.revision)
        if dialects and newest.revision > dialects[-1].revision:
            said.append("can do more than was chosen")
    if machine.smb1_refused:
        said.append("was refused SMB1")
    if machine.logons:
        said.append(f"logged on by {', '.join(sorted(map(str, machine.logons)))}")
    if machine.cannot_sign:
        said.append("cannot sign")
    if machine.cannot_encrypt:
        said.append("cannot encrypt")
    return "; ".join(said)
