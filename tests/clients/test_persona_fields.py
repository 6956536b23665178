"""Every field of a persona file is obeyed: another value, and other bytes go out.

The fields come from the model of the file, so a field that is added is asked about too.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import sys
import tomllib
import uuid
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import tomli_w
from impacket import ntlm as impacket_ntlm
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.clients import persona
from harness.clients.base import attempt
from harness.clients.persona_file import PersonaFile
from harness.model import Check

sys.path.insert(0, str(Path(__file__).parent.parent / "smb"))
from replay import Replay, recorded, replaying

Table = dict[str, Any]

SAID = {
    "name": "what it is called",
    "title": "shown to people",
    "fidelity": "how true it is, for people",
    "counterpart": "whom it is compared with",
    "smb1_removable": "why a change of it is not made",
    "client_settings": "which changes can be made on it, see test_client_policies.py",
    "sees_like": "words for people",
    "sees": "words for people",
    "no_discover": "words for people",
    "no_print": "words for people",
    "based_on": "what this file does not say, see test_persona_variants.py",
    "doubts": "what people must know of a result",
    "doubts_like": "what people must know of a result",
    "also": "other openings, as recorded; attempts begin with the first",
    "captures": "evidence",
    "evidence": "evidence",
}
"""Fields that say something about the client, and are not played."""

OTHER: dict[str, object] = {
    # Without 3.1.1 there would be no place for the contexts.
    "smb2_negotiate.dialects": ["3.0", "3.0.2", "3.1.1"],
    "smb2_negotiate.unreleased": [0x0222],
    "smb2_negotiate.contexts.kind": "transport",
    "smb2_negotiate.contexts.salt": 16,
    "smb2_negotiate.contexts.data": "00",
    "checks": ["browse"],
    "habits.open": ["ipc", "share", "list"],
    "habits.browse": ["ipc", "rap"],
    "ntlm.version": [5, 1, 2601],
    "policy.min_dialect": "3.1.1",
    "policy.max_dialect": "2.0.2",
}
"""Another value where the next best one would not do."""


def base(name: str) -> Table:
    """A persona's file, read."""
    return tomllib.loads((persona.FOLDER / f"{name}.toml").read_text("utf-8"))


def bases() -> list[Table]:
    """A client that knows SMB1 alone; one that knows everything but NTLMv2, and offers many kinds of context;
    and one without SMB1 that offers it all the same."""
    newest = base("windows-10-1703")
    newest["smb2_negotiate"]["contexts"] = base("windows-11-24h2")["smb2_negotiate"]["contexts"]
    newest["signs_guests"] = True
    newest["ntlm"]["level"] = "NTLMv1"
    newest["policy"]["ntlmv2_only"] = False
    return [base("windows-xp"), newest, base("windows-10-22h2")]


BASES = bases()


def leaves(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of the file by its dotted name."""
    for name, field in model.model_fields.items():
        below = next(_models(field.annotation), None)
        if below is None or name in SAID:
            yield f"{above}{name}", field
        else:
            yield from leaves(below, f"{above}{name}.")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def another(path: str, field: FieldInfo, value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, Enum):
        value = value.value
    if path in OTHER:
        return OTHER[path]
    annotation: object = field.annotation
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return next(one for one in get_args(annotation) if one != value)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(one.value for one in annotation if one.value != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return value[1:]
    raise AssertionError(f"{path}: give OTHER another value than {value!r}")


def changed(table: Table, path: str, field: FieldInfo) -> Iterator[Table]:
    """The table with that field changed; where there are several places for it, each in turn."""
    *way, last = path.split(".")
    places: list[list[str | int]] = [[]]
    for part in way:
        inner = [(place, at(table, [*place, part])) for place in places]
        places = [
            [*place, part, *number]
            for place, found in inner
            if found is not None
            for number in ([[n] for n in range(len(found))] if isinstance(found, list) else [[]])
        ]
    for place in places:
        made = copy.deepcopy(table)
        inside = at(made, place)
        inside[last] = another(path, field, inside.get(last, field.default))
        yield made


def at(table: Table, place: list[str | int]) -> Any:
    found: Any = table
    for part in place:
        found = found[part] if isinstance(part, int) else found.get(part)
        if found is None:
            return None
    return found


def _server_requires_signing(messages: list[bytes]) -> list[bytes]:
    """The same answers by a server that requires signing and made no guest: it lets nobody go on."""
    made = []
    for one in messages:
        two = bytearray(one)
        if one[:4] == b"\xffSMB" and one[4] == 0x72:
            two[35] |= 0x0C
        elif one[:4] == b"\xffSMB" and one[4] == 0x73 and one[5:9] == bytes(4):
            two[37] &= 0xFE
        elif one[:4] == b"\xfeSMB" and one[12] == 0:
            two[66] |= 2
        made.append(bytes(two))
    return made


def _server_says_it_requires_signing(messages: list[bytes]) -> list[bytes]:
    """The same answers, guests and all, by a server that requires signing of others."""
    return [
        one[:66] + bytes([one[66] | 2]) + one[67:] if one[:4] == b"\xfeSMB" and one[12] == 0 else one
        for one in messages
    ]


SERVERS = (
    lambda messages: messages,
    _server_requires_signing,
    _server_says_it_requires_signing,
)
RECORDINGS = ("windows-xp", "windows-10-1703")


class Listener:
    """Plays a persona against the recorded servers, and takes down what it sent."""

    def __init__(self, replay: Replay, folder: Path) -> None:
        self._replay = replay
        self._folder = folder
        self._number = itertools.count()
        self._known: dict[str, bytes] = {}

    def sent(self, table: Table, check: Check, recording: str, server: int) -> bytes:
        key = json.dumps([table, check, recording, server], sort_keys=True)
        if key not in self._known:
            path = self._folder / f"{next(self._number)}.toml"
            path.write_text(tomli_w.dumps(table), "utf-8")
            client = persona.load(path)
            self._replay.messages = SERVERS[server](recorded(recording, check))
            done = attempt(client, check, self._replay.target(), client.policy)
            self._known[key] = self._replay.heard.get(timeout=60) if done.steps else b""
        return self._known[key]


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    """With nothing left to chance, so that other bytes come from other data."""
    with replaying() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", lambda count: b"\x5a" * count)
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=7))
        patch.setattr(impacket_ntlm.time, "time", lambda: 1700000000.0)
        folder = tmp_path_factory.mktemp("personas")
        (folder / "sees").symlink_to(persona.FOLDER / "sees")
        yield Listener(server, folder)


TO_A_NETWORK = {"habits.discover", "habits.prints", "habits.quic"}
"""Not of a server as such: see tests/labs/test_discover_lab.py, test_print_lab.py and test_quic_lab.py."""
IN_A_DOMAIN = "kerberos."
"""Of the table that is played in a domain alone: see tests/smb/test_tickets.py, which asks the same of it."""
PLAYED = [
    (path, field)
    for path, field in leaves(PersonaFile)
    if path not in {*SAID, *TO_A_NETWORK} and not path.startswith(IN_A_DOMAIN)
]


def test_the_model_is_walked_to_its_leaves() -> None:
    names = {path for path, _ in PLAYED}
    assert names > {"signing", "smb1_session.flags2", "smb2_negotiate.contexts.salt", "habits.open"}
    assert set(SAID) < set(PersonaFile.model_fields)
    assert set(OTHER) < names
    assert any(path.startswith(IN_A_DOMAIN) for path, _ in leaves(PersonaFile))


@pytest.mark.parametrize("table", BASES, ids=lambda table: table["name"])
def test_the_same_data_send_the_same_bytes(listener: Listener, table: Table) -> None:
    """Else the other test would see a difference everywhere."""
    again = {**table, "title": "the same client, emulated"}
    for recording in RECORDINGS:
        sent = listener.sent(table, Check.OPEN, recording, 0)
        assert sent
        assert sent == listener.sent(again, Check.OPEN, recording, 0)


@pytest.mark.parametrize(("path", "field"), PLAYED, ids=[path for path, _ in PLAYED])
def test_another_value_sends_other_bytes(listener: Listener, path: str, field: FieldInfo) -> None:
    tried = []
    for table in BASES:
        for made in changed(table, path, field):
            try:
                PersonaFile.model_validate(made)
            except ValueError as reason:
                tried.append(str(reason))
                continue
            for recording, check, server in itertools.product(
                RECORDINGS, (Check.OPEN, Check.BROWSE), range(len(SERVERS))
            ):
                before = listener.sent(table, check, recording, server)
                if listener.sent(made, check, recording, server) != before:
                    return
            tried.append(f"{table['name']}: the same bytes")
    pytest.fail(f"{path} changes nothing: {tried}")
