"""Runs on real servers: measured, reused, one client changed, a kept result that does not hold any more."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
from commandline import entries, rehearse

from harness.labs import images
from harness.labs.local import LocalLab
from harness.report.documents.result import schema
from harness.reuse.store import NAME, opened
from harness.system import resources
from harness.system.files import text
from harness.system.process import Result

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]

jsonschema = pytest.importorskip("jsonschema")
CELLS = "nt-pipe-support-off,smb3-only:samba-4.22:mine,windows-10-1703:browse"
"""Two jobs of two cells; some are lost, which nobody foresaw: exit status 1."""


class Office:
    """A project with a client of its own, whose runs and kept results are apart from everybody else's."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "personas").mkdir()
        (place / "rehearsal.toml").write_text("[defaults]\nreuse = true\n")
        self.persona('name = "windows-7"', 'name = "mine"')
        mine = place / "cache" / "smb-rehearsal"
        mine.mkdir(parents=True)
        (mine / "images").symlink_to(images.store({}).base)
        self.results = mine / "results"
        self.runs = place / "runs"
        self.env = {"XDG_CACHE_HOME": str(place / "cache")}

    def persona(self, old: str, new: str) -> None:
        file = self.place / "personas" / "mine.toml"
        words = text(file if file.exists() else resources.path("clients", "personas", "windows-7.toml"))
        assert old in words
        file.write_text(words.replace(old, new, 1))

    def call(self, *words: str) -> Result:
        return rehearse(*words, "--runs", self.runs, "--project", self.place, env=self.env)

    def run(self, *words: str) -> tuple[dict[str, Any], Result]:
        done = self.call("run", *(words or (CELLS,)), "--quiet", "--json")
        document = json.loads(done.stdout)
        jsonschema.Draft202012Validator(schema()).validate(document)
        return document, done


def reused(document: dict[str, Any]) -> set[str]:
    return {cell["cell"] for cell in document["cells"] if cell["reused"]}


def drawn(document: dict[str, Any]) -> set[str]:
    return {one["what"] for one in document["reuse"]["rechecks"] if one["what"].count(":") == 3}


def cell_of(entry: dict[str, Any]) -> str:
    return ":".join(entry["cell"][part] for part in ("mitigation", "server", "client", "check"))


def effects(document: dict[str, Any]) -> dict[str, str]:
    return {cell["cell"]: cell["effect"] for cell in document["cells"]}


def test_what_did_not_change_is_reused_and_what_did_is_measured(lab: LocalLab, tmp_path: Path) -> None:
    assert lab
    office = Office(tmp_path)
    first, done = office.run()
    assert done.status == 1, done.stderr
    assert "reused: none of 4 cells" in done.stderr
    assert first["reuse"] is None
    assert reused(first) == set()

    # A plan knows them by the keys of the run, and its time is that of the rest: none.
    plan = " ".join(office.call("plan", CELLS, "--reuse").stdout.split())
    assert "about 5 s, by " in plan
    assert "without what is measured already, and still good: 4 of 4 cells" in plan

    # Nothing changed: all but the one that is drawn, with holes and evidence.
    second, done = office.run(CELLS, "--recheck", "1")
    assert done.status == 1, done.stderr
    assert "reused: 3 of 4 cells" in done.stderr
    assert effects(second) == effects(first)
    assert reused(second) | drawn(second) == set(effects(first))
    assert second["reuse"]["cells"] == 3
    assert (second["reuse"]["holds"], second["reuse"]["runs"]) == (True, [first["run"]])
    assert second["complete"]
    # What was reused took none of the time.
    spent = {one["kind"]: one["times"] for one in second["measured"]["spent"]["kinds"]}
    assert spent["server start"] == 1
    assert (
        spent["attempts"]
        < {one["kind"]: one["times"] for one in first["measured"]["spent"]["kinds"]}["attempts"]
    )
    folder = office.runs / second["run"]
    # One server was started, for the cell that was drawn, and not probed again (nearly always: by chance).
    (again,) = drawn(second)
    started = {entry["phase"] for entry in entries(folder, "attempt") if cell_of(entry) == again}
    assert len(started) == 3
    probed = {one["what"] for one in second["reuse"]["rechecks"]} - {again}
    assert {
        f"{one['mitigation']}:{one['server']}" for one in second["exposures"] if not one["reused"]
    } == probed
    assert {one["exposure"] for one in second["exposures"]} == {one["exposure"] for one in first["exposures"]}
    assert len(second["applied"]) == len(first["applied"]) == 2
    for one in second["cells"]:
        assert bool(one["evidence"]) is (one["effect"] == "lost"), one["cell"]
        if one["evidence"]:
            assert (folder / one["evidence"] / "packets.pcapng").stat().st_size > 0
        if one["reused"]:
            assert one["reused"]["run"] == first["run"]
            assert one["reused"]["age_seconds"] >= 0
    # Every way to look at it says so, and what is done with a cell of a run is done with a reused one.
    kept = next(iter(sorted(reused(second))))
    shown = office.call("show", kept, "--run", second["run"])
    assert f"measured: not in this run, but in {first['run']}" in " ".join(shown.stdout.split())
    replayed = office.call("replay", kept, "--run", second["run"], "--quiet")
    assert replayed.status == 0, replayed.stdout + replayed.stderr

    # Nothing is started where chance draws none.
    unmeasured, done = office.run()
    assert done.status == 1, done.stderr
    assert effects(unmeasured) == effects(first)
    if not drawn(unmeasured):
        assert "reused: 4 of 4 cells" in done.stderr
        assert not (office.runs / unmeasured["run"] / "log.txt").exists()
        assert (unmeasured["measured"]["spent"]["seconds"], unmeasured["measured"]["spent"]["kinds"]) == (
            0,
            [],
        )

    # One client changed: its cells, and one more that is drawn.
    office.persona('title = "', 'title = "since changed: ')
    third, done = office.run(CELLS, "--recheck", "1")
    assert done.status == 1, done.stderr
    own = {cell for cell in effects(third) if cell.split(":")[2] == "mine"}
    others = set(effects(third)) - own
    assert reused(third) | drawn(third) == others
    assert drawn(third)
    assert effects(third) == effects(first)
    attempted = {cell_of(one) for one in entries(office.runs / third["run"], "attempt")}
    assert attempted == set(effects(third))

    # What is kept does not hold: that is an error, told with both, and nothing is kept any more.
    with sqlite3.connect(office.results / NAME) as database:
        for key, lines in database.execute("SELECT key, lines FROM result").fetchall():
            was = zlib.decompress(lines).replace(b'"dialect":"', b'"dialect":"was-')
            database.execute("UPDATE result SET lines = ? WHERE key = ?", (zlib.compress(was), key))
    database.close()
    fourth, done = office.run(CELLS, "--recheck", "1")
    assert done.status == 2
    (odd,) = drawn(fourth)
    assert not fourth["reuse"]["holds"]
    assert f"rehearse: {odd} does not come out as in " in done.stderr
    assert "dialect was-3.1.1 -> 3.1.1" in done.stderr or "dialect was-2.1 -> 2.1" in done.stderr
    assert "discarded: " in done.stderr
    fresh = next(one for one in fourth["cells"] if one["cell"] == odd)
    assert not fresh["phases"]["baseline"]["dialect"].startswith("was-")
    with opened(office.results, []) as store:
        assert store.count() == 0
    told = office.call("report", fourth["run"]).stdout
    assert f"NOT AS BEFORE: {odd}" in " ".join(told.split())
    junit = office.call("report", fourth["run"], "--format", "junit").stdout
    assert f'name="reuse of {odd}"' in junit

    # It goes on with everything measured in it, and keeps that.
    fifth, done = office.run("--resume", fourth["run"], "--fresh")
    assert done.status == 1, done.stderr
    assert reused(fifth) == set()
    assert effects(fifth) == effects(first)
    assert fifth["reuse"] is None
    with opened(office.results, []) as store:
        assert store.count() == 6
