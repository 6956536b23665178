"""The holes of a run as SARIF 2.1.0 (OASIS, errata 01), which code-scanning pages read.

A result is a hole that is open while a change is in force, or on the server as it is where nothing was
changed (the mitigation ``none``). What could not be told is no result: it is a
notification of the invocation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from harness.model import Hole, Phase
from harness.report.formats import Source
from harness.report.json_text import dump, in_pieces
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.report.words import versions
from harness.result import NO_CHANGE, WHEN, ExposureFact, ExposureResult, RunResult
from harness.system.plain import clean

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
"""Severity -> level of SARIF."""
_SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""Severity -> a number in the middle of the range that GitHub shows under that word (security-severity)."""

Json = dict[str, object]


def render(source: Source) -> str:
    """The whole log, with one run."""
    return "".join(pieces(source))


def pieces(source: Source) -> Iterator[str]:
    """The same, a hole at a time."""
    result = source.result
    facts = _facts(result)
    places = {name: at for at, name in enumerate(facts)}
    made_by = result.circumstances
    driver: Json = {"name": "smb-rehearsal", "rules": [_rule(fact) for fact in facts.values()]}
    if made_by is not None and made_by.version:
        driver["version"] = clean(made_by.version)
    run: Json = {
        "tool": {"driver": driver},
        # GitHub takes what is before the last slash for the category: one run replaces the one before.
        "automationDetails": {"id": f"smb-rehearsal/{clean(result.run)}"},
        "invocations": [_invocation(result)],
        "results": [],
        "properties": {key: clean(value) for key, value in versions(result).items()},
    }
    found = (dump(_result(one, when, places, result), deeper=8) for one, when in _open(result))
    yield from in_pieces(dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}), {"results": found}, 6)
    yield "\n"


def _facts(result: RunResult) -> dict[str, ExposureFact]:
    """What every exposure of the run is; of one that the run says nothing about its name."""
    known = dict(result.exposure_facts)
    for one in result.exposures:
        known.setdefault(one.exposure, ExposureFact(one.exposure, one.exposure, "", "", ""))
    return known


def _open(result: RunResult) -> Iterable[tuple[ExposureResult, Phase]]:
    for one in result.exposures:
        if one.state(one.decisive) is Hole.OPEN:
            yield one, one.decisive
        elif one.stayed_open:
            yield one, Phase.ROLLED_BACK


def _rule(fact: ExposureFact) -> Json:
    looked = [f"Looked for by: {fact.sends}."] if fact.sends else []
    looked += [f"Harmless: {fact.safe}."] if fact.safe else []
    looked += [f"Severity: {fact.severity} ({fact.graded_by})."] if fact.severity else []
    looked += [f"Source: {fact.source}."] if fact.source else []
    properties: Json = {"tags": ["security", "smb"]}
    if fact.severity in _SCORES:
        properties["security-severity"] = _SCORES[fact.severity]
    return {
        "id": clean(fact.name),
        "shortDescription": _message(fact.title or fact.name),
        "fullDescription": _message(" ".join([f"{fact.title or fact.name}.", *looked])),
        "help": _message(" ".join(looked) or fact.title or fact.name),
        "defaultConfiguration": {"level": _LEVELS.get(fact.severity, "warning")},
        "properties": properties,
    }


def _result(one: ExposureResult, when: Phase, places: dict[str, int], result: RunResult) -> Json:
    fact = result.exposure_facts.get(one.exposure)
    name = clean(one.id)
    server = Labels(result).server(one.server, language(DEFAULT))
    how = "as it is" if one.mitigation == NO_CHANGE else f"{WHEN[when]} {one.mitigation}"
    if when is Phase.ROLLED_BACK:
        how = f"after the rollback of {one.mitigation}, and not before the change"
    title = fact.title if fact else one.exposure
    said = f"{one.exposure} is open on {server} {how}: {title}. Seen: {one.phases[when].evidence}"
    return {
        "ruleId": clean(one.exposure),
        "ruleIndex": places[one.exposure],
        "level": _LEVELS.get(fact.severity if fact else "", "warning"),
        "kind": "fail",
        "message": _message(f"{said}. {one.claim}" if one.claim else said),
        # A page needs a file to show it at; it is the server, which is none of any repository.
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"servers/{quote(clean(one.server), safe='')}"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"hole/v1": name},
        "properties": {
            "expected": one.expected,
            "mitigation": clean(one.mitigation),
            "server": clean(server),
        },
    }


def _invocation(result: RunResult) -> Json:
    notes = [
        f"{one.id} cannot be told {WHEN[when]}: {seen.evidence}"
        for one in result.exposures
        for when, seen in one.phases.items()
        if seen.state is Hole.UNKNOWN
    ]
    if not result.complete:
        notes.append(f"cut off: {len(result.cells)} of {result.planned} cells were measured")
    if result.damage:
        notes.append(f"not all of the run can be read: {result.damage}")
    found: Json = {
        "executionSuccessful": result.complete and not result.damage,
        "toolExecutionNotifications": [{"level": "warning", "message": _message(note)} for note in notes],
    }
    if result.began is not None:
        found["startTimeUtc"] = f"{result.began:%Y-%m-%dT%H:%M:%SZ}"
    return found


def _message(text: str) -> Json:
    """The one place where text goes in: braces would hold a place (3.11.5), ``[a](b)`` be a link (3.11.6)."""
    return {"text": clean(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")}
