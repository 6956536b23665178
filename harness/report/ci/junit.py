"""A run as JUnit's XML, for whatever collects the results of tests: a test case a cell.

The shape is that of the schema by which Jenkins' xUnit plugin checks such files (junit-10.xsd): times are
seconds with three decimals, every suite counts its own cases, and no case has properties of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from shlex import quote
from typing import Final
from xml.etree import ElementTree as Tree

from harness.model import CellId, Effect
from harness.report.ci.trouble import troubles, wrong
from harness.report.explain import WORDS, grouped
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.reuse import of_cell
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
    return "".join(pieces(source))


def pieces(source: Source) -> Iterator[str]:
    """The same, a suite at a time."""
    result = source.result
    labels = Labels(result)
    suites = grouped(result.cells, lambda one: _suite_of(one.cell, labels))
    others = grouped(
        [*_missing(source, labels), *_troubles(source), *_not_applicable(result)], lambda one: one.suite
    )

    def cases(name: str) -> list[Case]:
        return [*(_cell(cell, source, labels) for cell in suites.get(name, ())), *others.get(name, ())]

    names = list(dict.fromkeys((*suites, *others)))
    # Their numbers stand before them: of those of a large run all cases need not be in memory for that.
    told = {"name": f"rehearse {result.run}", **_Counts.of_all(map(cases, names)).told(skipped=False)}
    top, _, end = Tree.tostring(_element("testsuites", told), short_empty_elements=False).partition(b"</")
    yield f"{_DECLARATION}{top.decode('ascii')}\n"
    for name in names:
        suite = _suite(name, cases(name), result)
        Tree.indent(suite, level=1)
        # With numbers for whatever is not ASCII, which is UTF-8 as well.
        yield f"  {Tree.tostring(suite).decode('ascii')}\n"
    yield f"</{end.decode('ascii')}\n"


@dataclass
class _Counts:
    """How many test cases of each kind, and their time."""

    cases: int = 0
    seconds: float = 0.0
    of: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of_all(cls, suites: Iterable[Iterable[Case]]) -> _Counts:
        made = cls()
        for case in chain.from_iterable(suites):
            made.cases += 1
            made.seconds += case.seconds
            made.of[case.kind] += 1
        return made

    def told(self, *, skipped: bool = True) -> dict[str, str]:
        """As attributes of an element."""
        counts = {"tests": self.cases, "failures": self.of[FAILURE], "errors": self.of[ERROR]}
        more = {"skipped": self.of[SKIPPED]} if skipped else {}
        return {**{name: str(n) for name, n in {**counts, **more}.items()}, "time": _seconds(self.seconds)}


def _suite(name: str, cases: list[Case], result: RunResult) -> Tree.Element:
    began = {"timestamp": f"{result.began:%Y-%m-%dT%H:%M:%S}"} if result.began else {}
    host = result.circumstances.host if result.circumstances else ""
    suite = _element(
        "testsuite",
        {"name": name, **_Counts.of_all([cases]).told(), **began, "hostname": host or "localhost"},
    )
    facts = Tree.SubElement(suite, "properties")
    for key, value in versions(result).items():
        facts.append(_element("property", {"name": key, "value": value}))
    for case in cases:
        suite.append(_case(case))
    return suite


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


def _suite_of(cell: CellId, labels: Labels) -> str:
    return f"{cell.mitigation} on {labels.called(cell.server)}"


def _cell(cell: CellResult, source: Source, labels: Labels) -> Case:
    one, result = cell.cell, source.result
    kind, word = _kind(cell, wrong=wrong(result, cell))
    emulated = labels.cell(one) != str(one)
    lines = [
        *phases(cell),
        *([f'user sees "{cell.user_sees}"'] if cell.user_sees else []),
        *([f"emulated: {labels.client(one.client)} on {labels.marked(one.server)}"] if emulated else []),
        *([f"not settled: {cell.not_settled}"] if cell.not_settled else []),
        *([f"measured: {before}"] if (before := of_cell(cell, result)) else []),
        *(
            [f"look closer: rehearse show {quote(str(one))} --run {source.named}"]
            if kind in (FAILURE, ERROR)
            else []
        ),
    ]
    return Case(
        str(one),
        _suite_of(one, labels),
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


def _missing(source: Source, labels: Labels) -> Iterable[Case]:
    """What was planned and not measured: nothing that passed, and nothing that may be skipped."""
    result = source.result
    how = f"the run was cut off; go on with: rehearse run --resume {source.named}"
    for cell in missing(result):
        suite, where = _suite_of(cell, labels), _class(cell.server, cell.mitigation)
        yield Case(str(cell), suite, where, kind=ERROR, type="not measured", message=f"not measured: {how}")
    if result.damage or not result.cells or (not result.complete and not missing(result)):
        what = result.damage or ("nothing was measured" if not result.cells else how)
        yield Case("the whole run", "run", "run", kind=ERROR, type="incomplete", message=what)


def _troubles(source: Source) -> Iterable[Case]:
    """Holes that had to be closed, and gates: a hole that is open and may be is no test."""
    for one in troubles(source.result, source.named):
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
