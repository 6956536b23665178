"""What the importers were not written for: more locales and error lines, and errors beside a table."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from inventory import of_text

from harness.fleet import intake
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.model import Dialect

SESSION = {
    "session_id": "1",
    "remote_machine": "192.0.2.9",
    "hostname": "ipv4:192.0.2.9:50000",
    "session_dialect": "SMB3_11",
}
DOCUMENT = json.dumps({"smb_conf": "/etc/samba/smb.conf", "sessions": {"1": SESSION}}, indent=2)


@pytest.mark.parametrize(
    "date",
    [
        "Po led 19 18:34:17 2026 CET",
        "pon sty 19 18:34:17 2026 CET",
        "Пн янв 19 18:34:17 2026 MSK",
        "Pzt Oca 19 18:34:17 2026 +03",
        "ma tammi 19 18:34:17 2026 EET",
        "Mo Jän 19 18:34:17 2026 CET",
        "一 1月 19 18:34:17 2026 CST",
        "월  1월 19 06시 34분 17초 오후 2026 KST",
        "seg jan 19 18:34:17 2026 -03",
    ],
)
def test_dates_of_more_locales(date: str) -> None:
    heading = f"Service  pid  Machine  Connected at  Encryption  Signing\n{'-' * 93}\n"
    found, tally = of_text("smbstatus", f"{heading}team share   4711    10.2.0.9      {date}  -   -")
    assert [one.seen for one in found] == [datetime(2026, 1, 19, 18, 34, 17)]  # noqa: DTZ001
    assert not tally.not_understood


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ERROR: Failed to initialise sessions database: Permission denied", "could not open"),
        (
            "smbstatus: error while loading shared libraries: libx.so.0: cannot open shared object file",
            "start",
        ),
        ("sudo: a password is required", "sudo did not run"),
        ("anna is not in the sudoers file.", "sudo did not run"),
    ],
)
def test_an_error_line_is_named(line: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text(f"{line}\n", encoding="utf-8")
    found, records = intake.records_of(path, "", tuple)
    assert records == []
    assert why in found.tally.answers_nothing


@pytest.mark.parametrize("form", ["{error}{document}", "{document}{error}"])
def test_an_error_beside_json_leaves_the_json_readable(form: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    path.write_text(form.format(error="Can't open sessionid.tdb\n", document=f"{DOCUMENT}\n"), "utf-8")
    found, records = intake.records_of(path, "", tuple)
    assert [(one.address, list(one.dialects)) for one in records] == [("192.0.2.9", [Dialect.SMB3_11])]
    assert found.tally.answers_nothing == ""
    assert any("sessionid.tdb" in notice for notice in found.tally.notices)


def test_an_event_in_french_is_read_by_its_address(tmp_path: Path) -> None:
    path = tmp_path / "event.txt"
    path.write_text(
        "Nom du journal :Microsoft-Windows-SMBServer/Audit\nSource :       Microsoft-Windows-SMBServer\n"
        "Date :         13/12/2019 11:37:53\nID de l’événement :3000\nDescription :\nAccès SMB1\n\n"
        "Adresse du client : 192.0.2.14\n",
        encoding="utf-8",
    )
    found, records = intake.records_of(path, "", tuple)
    assert found.kind == "windows-events"
    assert [(one.address, list(one.dialects)) for one in records] == [("192.0.2.14", [Dialect.NT1])]


def test_no_dialect_yet_is_no_unknown_dialect() -> None:
    found, tally = of_text("windows-sessions", "ClientComputerName,Dialect\n192.0.2.9,2.???")
    assert [(one.dialect, one.unknown_dialect) for one in found] == [(None, "")]
    assert not tally.notices


def test_a_model_that_nobody_knows_stays_unsure_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "assets.csv"
    path.write_text("hostname,manufacturer,model\npress-1,Frobnicator,ZX-9\n", encoding="utf-8")
    _, records = intake.records_of(path, "", tuple)
    (machine,) = machines(records)
    placed = Placing({}).place(machine)
    assert (placed.personas, placed.sure) == ((), False)
    assert placed.why == "called Frobnicator, ZX-9: these words name no kind that is known"
