"""The catalogue: made of sources, handed on, and the same in another process."""

from __future__ import annotations

import pickle
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from commandline import users
from known import CATALOGUE

from harness.catalogue import Kind, Origin, Source, made_of
from harness.catalogue.sources import as_json, from_json, holes_in, personas_in, server_in
from harness.clients.persona import FOLDER
from harness.errors import UsageError
from harness.mitigations import NONE
from harness.model import CellId
from harness.record import folders
from harness.servers import description
from harness.servers.base import Conf
from harness.servers.brought import Brought
from harness.system.process import run

HOLES = """[[exposure]]
name = "our-hole"
title = "a hole of ours"
platform = "samba"
cve = "CVE-2026-0001"
affected = [">=4.0.0"]
source = "us"
"""

OFFICE = Brought(
    "office",
    ("smb.conf",),
    "bookworm",
    Conf({"map to guest": "Bad User"}, sections={"docs": {"guest ok": "yes"}}),
)


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    """A folder with one persona."""
    folder = tmp_path / "personas"
    folder.mkdir()
    text = (FOLDER / "windows-7.toml").read_text().replace('name = "windows-7"', 'name = "our-pc"')
    (folder / "our-pc.toml").write_text(text)
    return folder


@pytest.fixture
def holes(tmp_path: Path) -> Path:
    """A file with one known hole."""
    file = tmp_path / "holes.toml"
    file.write_text(HOLES)
    return file


def test_what_is_added_is_there_with_where_it_came_from(persona: Path, holes: Path) -> None:
    catalogue = CATALOGUE.adding(*personas_in(persona, Origin.LEARNED), holes_in(holes))
    assert catalogue.origin("client", "our-pc") is Origin.LEARNED
    assert catalogue.origin("exposure", "our-hole") is Origin.YOURS
    assert catalogue.origin("client", "windows-7") is Origin.BUILT_IN
    assert "our-pc" not in CATALOGUE.clients
    assert "our-hole" not in CATALOGUE.exposures
    assert CATALOGUE.adding() is CATALOGUE


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CATALOGUE.clients = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        CATALOGUE.clients["x"] = CATALOGUE.clients["curl"]  # type: ignore[index]


def test_another_process_makes_the_same_of_what_it_is_handed(persona: Path, holes: Path) -> None:
    """By pickle, as a worker is, and by a word on a command line."""
    made = made_of(*personas_in(persona), holes_in(holes))
    same = pickle.loads(pickle.dumps(made))
    assert same is not made
    assert (same.sources, same.came_from) == (made.sources, made.came_from)
    assert list(same.clients) == list(made.clients)
    assert from_json(as_json(made.sources)) == made.sources
    code = (
        "import sys; from harness.catalogue import made_of; from harness.catalogue.sources import from_json\n"
        "made = made_of(*from_json(sys.argv[1]))\n"
        "print(made.origin('client', 'our-pc'), 'our-hole' in made.exposures)"
    )
    done = run([sys.executable, "-c", code, as_json(made.sources)], timeout=60, env=users())
    assert done.stdout.strip() == "yours True"


def test_a_file_counts_once_and_a_name_is_one_things(persona: Path, holes: Path, tmp_path: Path) -> None:
    copy = tmp_path / "0-holes.toml"
    copy.write_bytes(holes.read_bytes())
    made = made_of(holes_in(holes), holes_in(copy), *personas_in(persona), *personas_in(persona))
    assert [(one.kind, one.file.name) for one in made.sources] == [
        (Kind.HOLES, "holes.toml"),
        (Kind.PERSONA, "our-pc.toml"),
    ]
    copy.write_text(HOLES.replace("a hole of ours", "another"))
    with pytest.raises(UsageError, match=r"0-holes\.toml: there is another exposure called 'our-hole'"):
        made_of(holes_in(holes), holes_in(copy))
    with pytest.raises(UsageError, match="there is no such folder"):
        personas_in(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"gone\.toml"):
        made_of(Source(Kind.PERSONA, tmp_path / "gone.toml"))


def test_a_run_keeps_what_is_not_built_in_and_is_read_with_it(
    persona: Path, holes: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "whatever.json"
    description.write(ours, OFFICE)
    made = made_of(*personas_in(persona), holes_in(holes), server_in(ours))
    folder = tmp_path / "run"
    folder.mkdir()
    folders.keep(folder, made, [CellId("none", "samba-4.22", "windows-7", "open")])
    assert not (folder / "personas").exists()
    assert not (folder / "servers").exists()
    folders.keep(folder, made, [CellId("none", "office@docs", "our-pc", "open")])
    assert {*folders.kept(folder)} == {
        "personas/our-pc.toml",
        "exposures/0-holes.toml",
        "servers/0-whatever.json",
    }
    again = CATALOGUE.adding(*folders.of_run(folder))
    assert again.origin("client", "our-pc") is Origin.KEPT
    assert again.origin("exposure", "our-hole") is Origin.KEPT
    assert again.origin("server", "office@docs") is Origin.KEPT
    assert again.servers["office@docs"] == made.servers["office@docs"]
    # Named by its user as well: it is one thing.
    assert made.adding(*folders.of_run(folder)).origin("exposure", "our-hole") is Origin.YOURS
    assert CATALOGUE.adding(*folders.of_run(tmp_path / "bare")) is CATALOGUE


def test_mitigations_are_combined_by_name() -> None:
    assert CATALOGUE.mitigation(NONE).name == NONE
    both = CATALOGUE.mitigation("smb3-only+signing-required")
    assert both is CATALOGUE.mitigation("smb3-only+signing-required")
    assert both.name == "smb3-only+signing-required"
    with pytest.raises(UsageError, match="twice"):
        CATALOGUE.mitigation("smb3-only+smb3-only")
    with pytest.raises(UsageError, match="did you mean smb3-only"):
        CATALOGUE.mitigation("smb3-onyl")


def test_a_configuration_is_refused_that_nobody_could_tell_from_another_or_start(tmp_path: Path) -> None:
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    description.write(first, OFFICE)
    description.write(second, replace(OFFICE, remarks=("another one",)))
    with pytest.raises(UsageError, match=r"two\.json: there is another server called 'office@docs'"):
        made_of(server_in(first), server_in(second))
    description.write(second, replace(OFFICE, image="bokworm"))
    with pytest.raises(UsageError, match=r"two\.json: .*'bokworm'") as refused:
        made_of(server_in(second))
    assert "bookworm" in refused.value.hint
    description.write(second, replace(OFFICE, conf=Conf()))
    with pytest.raises(UsageError, match=r"smb\.conf: has no share on a disk that lets anybody in"):
        made_of(server_in(second))
