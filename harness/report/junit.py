"""A run as JUnit's XML, for whatever collects the results of tests: a test case a cell.

The shape is that of the schema by which Jenkins' xUnit plugin checks such files (junit-10.xsd): times are
seconds with three decimals, every suite counts its own cases, and no case has properties of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Final
from xml.etree import ElementTree as Tree

from harness.model import Effect
from harness.report.explain import WORDS, grouped
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.reuse import of_cell
from harness.report.trouble import troubles, wrong
from harness.report.words import missing, phases, versions, why
from harness.result import CellResult, RunResult
from harness.system.plain import clean

FAILURE: Final = "failure"
"""Not as expected."""
ERROR: Final = "error"
"""Nothing is known: a fault, or not measured."""
SKIPPED: Final = "skipped"
"""Not applicable."""
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. ``kind`` is "" for one that passed."""

    name: str
    suite: str
    classname: str
    seconds: float = 0.0
    kind: str = ""
    type: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def render(source: Source) -> str:
    """The whole file. ASCII, so that it is the same in any encoding."""
    result = source.result
    cases = [*_cells(result), *_missing(result), *_troubles(result), *_not_applicable(result)]
    suites = grouped(cases, lambda case: case.suite)
    top = _element("testsuites", {"name": f"rehearse {result.run}", **_counts(cases, skipped=False)})
    for name, its in suites.items():
        top.append(_suite(name, its, result))
    Tree.indent(top)
    # With numbers for whatever is not ASCII, which is UTF-8 as well.
    return f"{_DECLARATION}{Tree.tostring(top).decode('ascii')}\n"


def _suite(name: str, cases: list[Case], result: RunResult) -> Tree.Element:
    began = {"timestamp": f"{result.began:%Y-%m-%dT%H:%M:%S}"} if result.began else {}
    host = result.circumstances.host if result.circumstances else ""
    suite = _element("testsuite", {"name": name, **_counts(cases), **began, "hostname": host or "localhost"})
    facts = Tree.SubElement(suite, "properties")
    for key, value in versions(result).items():
        facts.append(_element("property", {"name": key, "value": value}))
    for case in cases:
        suite.append(_case(case))
    return suite


def _counts(cases: list[Case], *, skipped: bool = True) -> dict[str, str]:
    of = {kind: str(sum(case.kind == kind for case in cases)) for kind in (FAILURE, ERROR, SKIPPED)}
    counts = {"tests": str(len(cases)), "failures": of[FAILURE], "errors": of[ERROR]}
    more = {"skipped": of[SKIPPED]} if skipped else {}
    return {**counts, **more, "time": _seconds(sum(case.seconds for case in cases))}


def _case(case: Case) -> Tree.Element:
    named = {"name": case.name, "classname": case.classname, "time": _seconds(case.seconds)}
    element = _element("testcase", named)
    text = "\n".join(map(clean, case.lines))
    if case.kind:
        how = _element(case.kind, {"type": case.type, "message": case.message})
        how.text = text
        element.append(how)
    elif text:
        Tree.SubElement(element, "system-out").text = text
    return element


def _element(name: str, attributes: Mapping[str, str]) -> Tree.Element:
    """The one place where text goes into attributes: what XML 1.0 cannot hold is visible instead."""
    return Tree.Element(name, {key: clean(value) for key, value in attributes.items()})


def _seconds(number: float) -> str:
    return f"{number:.3f}"


def _class(*parts: str) -> str:
    """Jenkins takes what is before the last dot for the package; versions have dots, too."""
    return ".".join(part.replace(".", "_") for part in parts)


def _cells(result: RunResult) -> Iterable[Case]:
    labels = Labels(result)
    for cell in result.cells:
        one = cell.cell
        kind, word = _kind(cell, wrong=wrong(result, cell))
        emulated = labels.cell(one) != str(one)
        lines = [
            *phases(cell),
            *([f'user sees "{cell.user_sees}"'] if cell.user_sees else []),
            *([f"emulated: {labels.client(one.client)} on {labels.marked(one.server)}"] if emulated else []),
            *([f"not settled: {cell.not_settled}"] if cell.not_settled else []),
            *([f"measured: {before}"] if (before := of_cell(cell, result)) else []),
            *(
                [f"look closer: rehearse show {quote(str(one))} --run {result.run}"]
                if kind in (FAILURE, ERROR)
                else []
            ),
        ]
        yield Case(
            str(one),
            f"{one.mitigation} on {one.server}",
            _class(one.server, one.mitigation),
            sum(attempt.ms for attempt in cell.phases.values()) / 1000,
            kind,
            word if kind else "",
            why(cell) if kind else "",
            # What passes because nothing changed needs no words: there are thousands.
            (f"{WORDS[cell.effect]}{f': {cell.cause}' if cell.cause else ''}", *lines)
            if kind or cell.effect is not Effect.KEPT or cell.reused
            else (),
        )


def _kind(cell: CellResult, *, wrong: bool) -> tuple[str, str]:
    """What a cell is to who counts tests, and the word for it.

    A fault that a scenario foresees is no error: the exit status agrees.
    """
    if cell.unsupported:
        return SKIPPED, "not applicable"
    if wrong:
        fault = cell.effect is Effect.FAULT
        return (ERROR, "fault") if fault else (FAILURE, "not restored" if cell.expected else str(cell.effect))
    return "", ""


def _missing(result: RunResult) -> Iterable[Case]:
    """What was planned and not measured: nothing that passed, and nothing that may be skipped."""
    how = f"the run was cut off; go on with: rehearse run --resume {result.run}"
    for cell in missing(result):
        suite, where = f"{cell.mitigation} on {cell.server}", _class(cell.server, cell.mitigation)
        yield Case(str(cell), suite, where, kind=ERROR, type="not measured", message=f"not measured: {how}")
    if result.damage or not result.cells or (not result.complete and not missing(result)):
        what = result.damage or ("nothing was measured" if not result.cells else how)
        yield Case("the whole run", "run", "run", kind=ERROR, type="incomplete", message=what)


def _troubles(result: RunResult) -> Iterable[Case]:
    """Holes that had to be closed, and gates: a hole that is open and may be is no test."""
    for one in troubles(result):
        yield Case(
            one.name,
            f"{one.kind}s",
            f"{one.kind}s",
            kind=FAILURE if one.seen else ERROR,
            type="not as required" if one.seen else "not known",
            message=f"{one.title}: {one.why}",
            lines=one.lines,
        )


def _not_applicable(result: RunResult) -> Iterable[Case]:
    for pair in result.not_applicable:
        name = f"{pair.mitigation}:{pair.subject}"
        yield Case(
            name,
            "not applicable",
            _class(pair.subject, pair.mitigation),
            kind=SKIPPED,
            type="not applicable",
            message=pair.reason,
        )
