"""The kinds of client that machines are placed among: what each speaks; and the words that sources have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import Field

from harness.clients.base import Client
from harness.clients.persona import Persona
from harness.model import Dialect
from harness.smb.session import Signing
from harness.system import resources
from harness.system.toml_file import Table


@dataclass(frozen=True, slots=True)
class Kind:
    """What of a client of the catalogue can be held against a machine."""

    name: str
    based_on: str
    """The client that it is a variant of, with another setting; "" for none."""
    speaks: frozenset[Dialect]
    asks_smb1: bool
    """Its opening offers NT LM 0.12, whether it would use it or not."""
    ntlm: str
    requires_signing: bool
    never_signs: bool
    guest: bool

    @property
    def newest(self) -> Dialect:
        """The newest dialect that it speaks."""
        return max(self.speaks, key=lambda one: one.revision)


def kinds_of(clients: Mapping[str, Client]) -> tuple[Kind, ...]:
    """The emulated clients of a catalogue, by name: only of these is it known as data what they speak."""
    found = (_kind(one) for one in clients.values() if isinstance(one, Persona))
    return tuple(sorted(filter(None, found), key=lambda one: one.name))


def _kind(client: Persona) -> Kind | None:
    data, policy = client.data, client.policy
    opening = client.opening.restricted(policy.smb1, policy.min_dialect, policy.max_dialect)
    smb1 = policy.smb1 and opening.smb1 is not None and Dialect.NT1.value in opening.smb1.dialects
    speaks = {Dialect.NT1} if smb1 else set()
    speaks |= set(opening.smb2.dialects) if opening.smb2 is not None else set()
    if not speaks:
        return None
    whole = client.opening.smb1
    return Kind(
        client.name,
        data.based_on,
        frozenset(speaks),
        whole is not None and Dialect.NT1.value in whole.dialects,
        "NTLMv2" if policy.ntlmv2_only else data.manner.ntlm.level,
        policy.require_signing,
        data.manner.signing is Signing.NEVER,
        policy.guest,
    )


class Words(Table):
    """What sources call machines of some kinds."""

    match: str = Field(min_length=1)
    kinds: list[str]
    device: bool = False
    """It speaks what its firmware speaks: where its kinds do not fit, no other is taken for it."""
    old: bool = False
    """Not every device of this make is of these kinds: the words alone do not settle it."""
    source: str = Field(min_length=1)


class _File(Table):
    words: list[Words]


@cache
def words() -> tuple[tuple[re.Pattern[str], Words], ...]:
    """The entries of words.toml in their order."""
    text = resources.path("fleet", "words.toml").read_text("utf-8")
    found = _File.model_validate(tomllib.loads(text)).words
    return tuple((re.compile(one.match, re.IGNORECASE), one) for one in found)


def meant(said: Iterable[str]) -> tuple[tuple[str, str, Words], ...]:
    """Of each thing that a source says: the words that count, the expression that found them, and its entry.

    None for what says nothing.
    """
    found = []
    for text in said:
        for pattern, entry in words():
            if match := pattern.search(text):
                found.append((match[0], pattern.pattern, entry))
                break
    return tuple(found)
