"""The examples in the documentation work as printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from conducting import Stage, conduct
from known import CATALOGUE
from pages import DOCS, examples

import harness.clients as client_room
import harness.exposures as exposure_room
import harness.mitigations as room
import harness.servers as server_room
from harness.catalogue import Catalogue, built_in, made_of
from harness.clients.base import attempt
from harness.clients.persona import load
from harness.conduct.workers import Pool
from harness.errors import LabFault
from harness.exposures.known_holes import read
from harness.exposures.survey import Survey, survey
from harness.labs import guests, images
from harness.labs.boxes import fetch
from harness.labs.images.build import command, recipe
from harness.labs.local import LocalLab
from harness.labs.vagrant import choice
from harness.model import CellId, Check, Dialect, Effect, Hole, Outcome, Side, StepName, Tier
from harness.planning import planner, reach, scenario
from harness.servers.live import LiveServer
from harness.system import process, registry

ONLY_IN_GUIDES = ("no-anonymous", "samba-nas", "smbget", "strict-office", "windows-10-signs")
"""What only an example on a page makes."""


@contextmanager
def one_more(
    page: str, room: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, having: str = ""
) -> Iterator[Catalogue]:
    """What there is with the page's example, saved as one more module of a room; that ``having`` it."""
    modules = [block for block in examples(page) if re.search(r"^[A-Z]+(: .*)? = \(", block, re.M)]
    (text,) = (block for block in modules if having in block)
    path = folder / f"example_of_{room.__name__.rpartition('.')[2]}.py"
    path.write_text(text)
    monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])
    try:
        _ask_again()
        yield made_of()
    finally:
        # Another page's example would have the same name.
        sys.modules.pop(f"{room.__name__}.{path.stem}", None)
        monkeypatch.undo()
        _ask_again()


def _ask_again() -> None:
    registry.modules.cache_clear()
    built_in.forget()


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """With the guide's mitigation, saved as one more module of the room."""
    with one_more("adding-a-mitigation.md", room, tmp_path, monkeypatch) as catalogue:
        yield catalogue


def test_a_saved_file_is_all_it_takes(saved: Catalogue) -> None:
    assert "no-anonymous" in saved.mitigations
    cells = planner.from_selectors(saved, ["no-anonymous+signing-required:samba-4.*:windows-7:browse"]).cells
    assert CellId("no-anonymous+signing-required", "samba-4.22", "windows-7", "browse") in cells


def test_without_the_file_it_is_gone() -> None:
    assert "no-anonymous" not in made_of().mitigations


@pytest.mark.local_lab
def test_the_guides_mitigation_is_rehearsed(
    lab: LocalLab, pool: Pool, tmp_path: Path, saved: Catalogue
) -> None:
    cells = ["no-anonymous:samba-4.13:windows-7:browse,open"]
    result = conduct(tmp_path / "run", cells, Stage(lab), pool, catalogue=saved)
    assert [cell.effect for cell in result.cells] == [Effect.KEPT, Effect.KEPT]

    (fact,) = result.applied
    assert "STATUS_ACCESS_DENIED" in fact.took_effect
    assert fact.undone.endswith(": ok")


@pytest.mark.local_lab
def test_what_nobody_gets_in_to_see_is_not_said_to_be_without_effect(
    lab: LocalLab, pool: Pool, tmp_path: Path, saved: Catalogue
) -> None:
    change = "no-anonymous+guest-off+nt-pipe-support-off"
    result = conduct(
        tmp_path / "run", [f"{change}:consumer-nas:windows-7:open"], Stage(lab), pool, catalogue=saved
    )
    (cell,) = result.cells
    assert cell.effect is Effect.FAULT
    assert f"{change} cannot be seen on consumer-nas" in cell.cause
    assert "did not take effect" not in cell.cause


@pytest.mark.local_lab
def test_the_guides_client_connects(
    serve: Callable[[str], LiveServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen on the wire, and says for itself what it offers and whom it did not get past."""
    with one_more("adding-a-client.md", client_room, tmp_path, monkeypatch, "CLIENTS") as catalogue:
        smbget = catalogue.clients["smbget"]
        there, guests, old = (serve(name).target for name in ("samba-4.22", "guest-share", "sles11-like"))
        kept = attempt(smbget, Check.OPEN, there, smbget.policy)
        assert (kept.outcome, kept.dialect, kept.auth) == (Outcome.OK, "3.1.1", "NTLMv2")
        assert smbget.software(there).startswith("Version 4.22")
        assert attempt(smbget, Check.OPEN, guests, smbget.policy).outcome is Outcome.OK
        refused = attempt(smbget, Check.OPEN, old, smbget.policy)
        assert (refused.outcome, refused.step) == (Outcome.REFUSED, StepName.NEGOTIATE)
        assert refused.said == "smbc_open: Software caused connection abort"
        strict = replace(smbget.policy, require_signing=True)
        assert attempt(smbget, Check.OPEN, there, strict).outcome is Outcome.UNSUPPORTED
        offer = smbget.offer(smbget.policy, there)
        assert not offer.speaks_smb1
        assert max(offer.smb2_dialects) == Dialect.SMB3_11.revision
        assert attempt(smbget, Check.BROWSE, there, smbget.policy).outcome is Outcome.UNSUPPORTED


def test_the_guides_compiled_client_brings_its_image_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with one_more("adding-a-client.md", client_room, tmp_path, monkeypatch, "quick-smb") as catalogue:
        (step,) = catalogue.images["quick-smb"].steps
        assert step.files == (tmp_path / "programs/quick-smb.c",)
        with pytest.raises(LabFault, match=r"quick-smb: .*programs/quick-smb\.c: No such file"):
            recipe(catalogue.images["quick-smb"])


@pytest.mark.local_lab
def test_the_guides_server_is_served(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with one_more("adding-a-server.md", server_room, tmp_path, monkeypatch, "strict-office") as catalogue:
        cells = ["encryption-required:strict-office:windows-7,windows-10-22h2:open"]
        result = conduct(tmp_path / "run", cells, Stage(lab), pool, catalogue=catalogue)
    assert {cell.cell.client: cell.effect for cell in result.cells} == {
        "windows-7": Effect.NEVER,
        "windows-10-22h2": Effect.KEPT,
    }


def test_the_guides_other_distribution_brings_its_image_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file: the server, and what it runs from. tests/labs/test_images_built.py builds from such a one."""
    with one_more("adding-a-server.md", server_room, tmp_path, monkeypatch, "IMAGES") as catalogue:
        made = planner.from_selectors(catalogue, ["smb3-only:samba-other-1:windows-7:open"])
        assert made.images(catalogue) == ("other-1",)
        known = images.status(catalogue.images)
        assert {one.name: one.state for one in known}["other-1"] == "missing"
        words = command(catalogue.images["other-1"], tmp_path)
        assert words[-1] == "deb [signed-by=/usr/share/keyrings/other.gpg] copy:///srv/other first main"
        assert words[-3] == "first"


def test_the_guides_guest_serves_once_its_box_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "adding-a-guest.md"
    home = tmp_path / "home"
    file = tmp_path / guests.FILE.name
    file.write_bytes(guests.FILE.read_bytes())
    guests.local_file(file).write_text(*examples(page, "yaml"))
    machines = guests.load(file)
    office = machines["office-files"]
    assert len(machines) == len(guests.load()) + 1
    absent = fetch.absent(office, home)
    assert absent is not None
    assert "rehearse boxes fetch office-files" in str(absent)
    monkeypatch.setattr("harness.planning.reach.guests.load", lambda: machines)
    monkeypatch.setattr("harness.planning.reach.fetch.vagrant_home", lambda: home)
    with one_more(page, server_room, tmp_path, monkeypatch) as catalogue:
        assert choice.guest_for(catalogue.servers["office-files"], machines) is office
        cells = ["signing-required,release-upgrade:office-files,samba-4.17:windows-7:open"]
        made = planner.from_selectors(catalogue, cells, Tier.VAGRANT)
        try:
            left = reach.within_reach(catalogue, made)
            assert {cell.server for cell in left.cells} == {"samba-4.17"}
            reach._absent.cache_clear()
            box = fetch.folder_of(office.box.name, home) / "0" / "libvirt" / "metadata.json"
            box.parent.mkdir(parents=True)
            box.touch()
            left = reach.within_reach(catalogue, made)
        finally:
            reach._absent.cache_clear()
    assert CellId("signing-required", "office-files", "windows-7", "open") in left.cells
    assert {one.mitigation for one in left.not_applicable} == {"release-upgrade"}


@pytest.mark.local_lab
def test_the_guides_persona_refuses_to_be_a_guest(serve: Callable[[str], LiveServer], tmp_path: Path) -> None:
    (text,) = examples("adding-a-persona.md", "toml")
    path = tmp_path / "windows-10-signs.toml"
    path.write_text(text)
    persona = load(path)
    there, guests = (serve(name).target for name in ("samba-4.22", "guest-share"))
    assert attempt(persona, Check.OPEN, there, persona.policy).outcome is Outcome.OK
    refused = attempt(persona, Check.OPEN, guests, persona.policy)
    assert (refused.outcome, refused.side) == (Outcome.REFUSED, Side.CLIENT)


def test_the_guides_scenario_is_right(tmp_path: Path) -> None:
    (text,) = examples("scenarios.md")
    path = tmp_path / "my_own.py"
    path.write_text(text)
    script = scenario.read(CATALOGUE, path)
    assert script.title == "We want SMB3 only on the file server in October: who cannot follow?"
    made = planner.from_scripts(CATALOGUE, script.name, [script])
    assert len(made.cells) == 2 * 3 * 3
    assert {entry.effect for entry in made.expected.values()} == {Effect.KEPT, Effect.LOST}


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_commands_in_the_documentation_can_be_planned(page: str) -> None:
    """Selectors and scenarios that a page tells the reader to run exist."""
    for words in re.findall(r"^ {4}\./rehearse run (\S+)$", (DOCS / page).read_text(), re.MULTILINE):
        word = words.strip("'")
        if ":" in word and not any(one in word for one in ONLY_IN_GUIDES):
            assert planner.from_selectors(CATALOGUE, [word]).cells
        elif word.startswith("scenarios/"):
            assert scenario.read(CATALOGUE, DOCS.parent / word).title


FILES = {
    "adding-a-client.md": "harness/clients",
    "adding-a-guest.md": "harness/servers",
    "adding-a-mitigation.md": "harness/mitigations",
    "adding-a-server.md": "harness/servers",
    "exposures.md": "harness/exposures",
    "scenarios.md": "scenarios",
}
"""A page whose examples are whole files -> the folder that they may be saved in."""


@pytest.mark.parametrize("page", FILES)
def test_a_file_that_is_saved_as_printed_passes_the_linter(page: str) -> None:
    """As ./test asks it of whoever adds the file to this project."""
    whole = [text for text in examples(page) if text.startswith('"""')]
    assert whole
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", f"{FILES[page]}/example.py", "-"]
    for text in whole:
        for words in (["check"], ["format", "--check"]):
            done = process.run([*ruff, *words, *name], stdin=text, cwd=DOCS.parent, timeout=60)
            assert done.ok, done.stdout + done.stderr


@pytest.fixture
def probing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """With the page's probe, saved as one more module of its room."""
    with one_more("exposures.md", exposure_room, tmp_path, monkeypatch) as catalogue:
        yield catalogue


@pytest.mark.local_lab
def test_the_pages_probe_looks(probing: Catalogue, serve: Callable[[str], LiveServer]) -> None:
    probe = "smb302-spoken"
    for server, state in (("samba-4.22", Hole.OPEN), ("sles11-like", Hole.UNKNOWN)):
        order = Survey(serve(server).target, date(2026, 11, 25), only=(probe,))
        assert survey(probing.exposures, order).seen[probe].state is state


def test_the_pages_scenario_says_what_must_be_closed(tmp_path: Path) -> None:
    (text,) = (block for block in examples("exposures.md") if "SCENARIO" in block)
    path = tmp_path / "my_own.py"
    path.write_text(f'"""What it is made for."""\n\n{text}')
    made = planner.from_scripts(CATALOGUE, "own", [scenario.read(CATALOGUE, path)], probes=True)
    assert {goal.exposure for goal in made.closes} == {"smb1-spoken", "rap-listing"}


def test_the_pages_known_hole_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", (DOCS / "exposures.md").read_text(), re.M | re.S)
    path = tmp_path / "our-holes.toml"
    path.write_text(text)
    (hole,) = read(path)
    assert hole.name == "cve-2099-0001"
    assert tuple(need.text for need in hole.hole.needs) == (
        "a share with fruit among its vfs objects",
        "a rule that requests be signed, by setting or by role",
        "acl_xattr that ignores the file system's own rights",
    )
    assert [len(need.places) for need in hole.hole.needs] == [1, 2, 1]
