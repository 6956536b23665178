"""What ``rehearse fleet`` says is in Japanese where a reader wants that, but for what importers said."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from known import CATALOGUE
from localised import by_option_and_locale
from report_example import printed
from rich.console import Console
from sightings import gathered, sighting
from test_report_ticket_japanese import Used, english

from harness.cli import main as cli
from harness.fleet.intake import Imported, Read
from harness.fleet.machine import Basis, Fleet, Placed
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.fleet.planned import More
from harness.fleet.reading import Tally
from harness.fleet.records import Record
from harness.fleet.sighting import Logon, Role
from harness.fleet.store import FileOf, Stored
from harness.fleet.watching import Change, News, compared
from harness.model import Dialect
from harness.report import fleet as report
from harness.report import page
from harness.report.language import Language, language
from harness.result.machines import MachineGroup

WHEN = datetime(2026, 11, 29, tzinfo=UTC)
PLACING = Placing(CATALOGUE.clients)
EVERYBODY = [
    sighting("10.0.0.1", "PC", dialect=Dialect.SMB3_11, logon=Logon.KERBEROS, wrong_spn=True),
    sighting("10.0.0.2", dialect=Dialect.NT1, logon=Logon.NTLMV1, smb1_refused=True, cannot_sign=True),
    sighting("10.0.0.3", unknown_dialect="SMB3_12", cannot_encrypt=True, seen=None),
    sighting("10.0.0.4", "FS", role=Role.SERVER, dialect=Dialect.SMB2_10),
    sighting("10.0.0.5", role=Role.LISTED, said="box"),
    *(sighting(persona=kind, count=3) for kind in ("windows-7", "office-scanner")),
]
TYPED = ("rehearse fleet show", "smbstatus", "NTLMv1", "Kerberos", "SMB3_12", "SPN", "office", "PC", "FS")


def records(*those: object) -> list[Record]:
    return gathered(*those)  # type: ignore[arg-type]


def fleets() -> Iterator[tuple[Fleet, Stored]]:
    more = [
        sighting("10.0.0.14", "FS2", role=Role.SERVER, dialect=Dialect.SMB2_10),
        sighting("10.0.0.15", role=Role.LISTED, said="box"),
    ]
    alone = [sighting("10.0.0.1", "PC", dialect=Dialect.SMB2_10, seen=None)]
    for name, those in (("fleet", EVERYBODY), ("office", [*EVERYBODY, *more]), ("office", alone)):
        its = records(*those)
        fleet = PLACING.fleet(machines(its), name)
        only = Placed(fleet.machines[0].machine, ("windows-7",), "a reason", Basis.FITS)
        files = [_file(number) for number in range(len(those) % 7 + 1)]
        yield replace(fleet, machines=(*fleet.machines, only)), Stored(name, files=files, records=its)
    one = records(EVERYBODY[0])
    yield PLACING.fleet(machines(one), "office"), Stored("office", files=[_file(1)], records=one)


def _file(number: int) -> FileOf:
    return FileOf(
        id=str(number),
        place="",
        name="a",
        kind="smbstatus",
        imported=WHEN,
        lines=1,
        sightings=1,
        machines=1,
    )


def reads() -> list[Read]:
    odd = Tally(
        lines=2,
        not_understood=Counter({"a reason": 2}),
        examples={"a reason": [(1, "a line")]},
        notices=["a notice"],
        answers_nothing="an error",
    )
    return [
        Read("a file", failed="a failure"),
        Read("a file", "smbstatus", again=WHEN),
        Read("a file", "smbstatus", 1, 1, 2, odd),
        Read("a file", "smbstatus", 2, 2, 0, Tally(lines=1, not_understood=Counter({"a reason": 1}))),
    ]


def said(console: Console, raw: io.BytesIO) -> str:
    """All that is printed of all fleets."""
    before = records(*EVERYBODY[:3])
    more = [
        More(MachineGroup(kinds, 2, sure, ""), 1) for kinds, sure in ((("windows-7",), True), ((), False))
    ]
    news = compared(before, records(*EVERYBODY), PLACING, "office")
    worse = [Change(one, change.placed, "a change") for one in News for change in news[:1] * 21]
    for fleet, stored in fleets():
        for hashed in (False, True):
            imported = Imported(fleet, reads(), 1, "a file", hashed)
            report.render_import(imported, console, lang="ja")
            report.render_show(fleet, stored, console, every=hashed, lang="ja")
        report.render_watch(stored, worse, reads(), console, more, lang="ja")
        report.render_watch(stored, [], [], console, lang="ja")
    return raw.getvalue().decode()


def recorded() -> set[str]:
    """What importers and placing said, and how machines and kinds are called."""
    words = {
        "a file",
        "a failure",
        "a reason",
        "a line",
        "a notice",
        "an error",
        "a change",
        *CATALOGUE.clients,
    }
    for fleet, _ in fleets():
        for one in (*fleet.machines, *fleet.servers, *fleet.listed):
            words |= {one.why, one.machine.name, *one.machine.remarks, *one.machine.names}
    return words


def test_no_english_of_ours_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Used(language("ja").sections["fleet"])
    say = Language("ja", {**language("ja").sections, "fleet": words}, blanks=False)
    monkeypatch.setattr(page, "language", {"ja": say}.__getitem__)
    assert not english(said(*printed(9000)), {*TYPED, *recorded()})
    assert words.keys() - words.asked == set()


def test_the_option_chooses_else_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = tmp_path / "sessions.csv"
    sample.write_text("ClientComputerName,Dialect\n192.0.2.21,3.1.1\n")
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert cli.main(["fleet", "import", str(sample)]) == 0
    assert "1 machine in 1 sighting; 2 lines" in capsys.readouterr().out
    said, japanese = by_option_and_locale(["fleet", "show"], monkeypatch, capsys)
    assert "1 machine that connects" in said
    assert "接続する機器は 1 台" in japanese
