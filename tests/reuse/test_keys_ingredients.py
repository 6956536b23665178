"""One property for each thing that a key must cover: whatever it is changed to, the key is another one."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.catalogue import Catalogue
from harness.clients.persona import Persona
from harness.clients.persona_file import PersonaData
from harness.model import CellId, Tier
from harness.planning import planner
from harness.planning.plan import Plan
from harness.reuse.around import HERE, UNINVOLVED, around, code
from harness.reuse.keys import Keys

AROUND = around(Path())
SELECTOR = "release-upgrade,signing-required:samba-4.17:windows-7,curl,smbclient-4.25:open"
PERSONAS = sorted(name for name, one in CATALOGUE.clients.items() if isinstance(one, Persona))
LINES = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=20)
"""Values of smb.conf(5)."""
examples = settings(max_examples=8, deadline=None)


def keys_of(
    selector: str = SELECTOR,
    catalogue: Catalogue = CATALOGUE,
    images: Mapping[str, str] | None = None,
    around: Mapping[str, str] = AROUND,
    lab: Tier = Tier.LOCAL,
) -> dict[CellId, str]:
    """The keys of the cells of a selector; of the ``images`` that are named these digests."""
    found = Keys(
        catalogue,
        replace(_plan(catalogue, selector), lab=lab),
        lambda name: (images or {}).get(name, name),
        around,
    )
    return {cell: key for one in found.all() for cell, key in one.cells.items()}


def _plan(catalogue: Catalogue, selector: str) -> Plan:
    return planner.from_selectors(catalogue, [selector], probes=True)


@cache
def unchanged() -> dict[CellId, str]:
    return keys_of()


def changed(other: Mapping[CellId, str]) -> set[CellId]:
    """The cells whose keys are not those of the unchanged plan."""
    assert set(other) == set(unchanged())
    return {cell for cell, key in other.items() if unchanged()[cell] != key}


@examples
@given(st.text(min_size=1))
def test_the_image_of_the_server_and_of_what_it_is_upgraded_to(digest: str) -> None:
    server = CATALOGUE.servers["samba-4.17"]
    assert changed(keys_of(images={server.image: f"{digest} of old"})) == set(unchanged())
    newer = server.upgrades["release-upgrade"]
    upgraded = {cell for cell in unchanged() if cell.mitigation == "release-upgrade"}
    assert changed(keys_of(images={newer: f"{digest} of new"})) >= upgraded


@examples
@given(st.sampled_from(["comment", "deadtime", "keepalive", "server signing"]), LINES)
def test_each_line_of_the_servers_configuration(name: str, value: str) -> None:
    server = CATALOGUE.servers["samba-4.17"]
    for section in ("globals", "share"):
        settings = {**getattr(server.conf, section), name: value}
        conf = replace(server.conf, **{section: settings})
        if conf == server.conf:
            continue
        other = replace(CATALOGUE, servers={**CATALOGUE.servers, server.name: replace(server, conf=conf)})
        # With the change in force the same line may win, but not in the other phases.
        assert changed(keys_of(catalogue=other)) == set(unchanged()), (section, name)


@examples
@given(
    st.sampled_from(["deadtime", "max xmit", "keepalive"]),
    st.lists(st.integers(0, 10**6), min_size=2, max_size=5, unique=True),
)
def test_each_parameter_of_a_change(name: str, values: list[int]) -> None:
    found = [keys_of(f"set({name}={value}):samba-4.17:curl:open") for value in values]
    assert len({key for keys in found for key in keys.values()}) == len(values)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our own code."""
    where = tmp_path_factory.mktemp("own") / "harness"
    shutil.copytree(HERE, where, ignore=shutil.ignore_patterns("__pycache__"))
    return where


@pytest.mark.parametrize(
    "room", ["mitigations", "smb", "clients", "servers", "labs", "exposures", "conduct", "model"]
)
def test_the_code_of_changes_and_of_the_protocol(package: Path, room: str) -> None:
    """Each file of the rooms that measure: a changed byte is another code, and another code another key."""
    first = code(package)
    found = set()
    files = [
        path
        for path in sorted((package / room).rglob("*"))
        if path.is_file() and "personas" not in path.parts
    ]
    # The first, the last and some between: each costs a look at all files.
    for path in files[:: max(1, len(files) // 4)]:
        before = path.read_bytes()
        path.write_bytes(before + b"#")
        found.add(code(package))
        path.write_bytes(before)
    assert first not in found
    assert len(found) >= min(4, len(files))
    assert room not in UNINVOLVED
    assert changed(keys_of(around={**AROUND, "smb-rehearsal": found.pop()})) == set(unchanged())


@pytest.mark.parametrize("field", [one.name for one in fields(PersonaData)])
def test_each_field_of_a_persona(field: str) -> None:
    """Of no field is a persona the same with another value, whatever the field is for."""
    mine = CATALOGUE.clients["windows-7"]
    assert isinstance(mine, Persona)
    data = copy.copy(mine.data)
    object.__setattr__(data, field, ("another", getattr(mine.data, field)))
    other = copy.copy(mine)
    other.data = data
    found = keys_of(catalogue=replace(CATALOGUE, clients={**CATALOGUE.clients, "windows-7": other}))
    assert {cell.client for cell in changed(found)} == {"windows-7"}


@examples
@given(st.sampled_from(PERSONAS), st.sampled_from(PERSONAS))
def test_no_persona_has_the_key_of_another(one: str, other: str) -> None:
    """Under the same name, with nothing else that differs."""
    both = []
    for name in (one, other):
        known = {**CATALOGUE.clients, "windows-7": _called(name)}
        both.append(keys_of("smb3-only:samba-4.17:windows-7:open", replace(CATALOGUE, clients=known)))
    assert (both[0] == both[1]) is (one == other)


def _called(name: str) -> Persona:
    mine = CATALOGUE.clients[name]
    assert isinstance(mine, Persona)
    return Persona(
        replace(mine.data, name="windows-7", checks=CATALOGUE.clients["windows-7"].checks, policy=mine.policy)
    )


@examples
@given(st.text(min_size=1))
def test_the_software_of_a_client(digest: str) -> None:
    """Of a program its image; of a library what Python has installed."""
    image = CATALOGUE.clients["curl"].image
    assert image
    theirs = {cell for cell in unchanged() if CATALOGUE.clients[cell.client].image == image}
    assert theirs
    found = changed(keys_of(images={image: f"{digest} of clients"}))
    # It may be what the server is upgraded to as well.
    assert {cell for cell in found if cell.mitigation != "release-upgrade" or cell in theirs} == theirs
    assert changed(keys_of(around={**AROUND, "packages": f"{digest} of packages"})) == set(unchanged())


@examples
@given(st.sampled_from(sorted(AROUND)), st.text(min_size=1))
def test_kernel_and_all_else_that_is_around(what: str, value: str) -> None:
    assert "kernel" in AROUND
    assert changed(keys_of(around={**AROUND, what: f"{value} of another"})) == set(unchanged())


def test_the_kind_of_lab() -> None:
    """Of virtual machines nothing is reused at all: no cell has a key."""
    assert keys_of(lab=Tier.VAGRANT) == {}
