"""JSON that is printed: what reads the output of a job obeys nothing in it, whichever document it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from balance_example import run
from report_example import example

from harness.comparison import replays, runs
from harness.labs.finding import DoctorFinding
from harness.model import Effect
from harness.report import learned
from harness.report.documents import comparison as comparison_document
from harness.report.documents import replay as replay_document
from harness.report.documents import result as document
from harness.report.listing import Table, findings_json

OBEYED = "##[error]owned"


def _replay() -> str:
    run = example()
    told = replace(run, run=OBEYED, cells=tuple(replace(one, cause=OBEYED) for one in run.cells))
    return replay_document.render_json(replays.compare(told, told))


def _comparison() -> str:
    run = replace(example(), run=OBEYED)
    return comparison_document.render_json(runs.compare(run, run), frozenset())


WRITERS: dict[str, Callable[[], str]] = {
    "a run": lambda: document.render_json(replace(example(), run=OBEYED)),
    "a comparison": _comparison,
    "a replay": _replay,
    "a list": lambda: Table((OBEYED,), ((OBEYED,),)).as_json(),
    "findings": lambda: findings_json([DoctorFinding(OBEYED, True, OBEYED)]),
    "what was learned": lambda: learned.render_json({"notes": [OBEYED]}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_runner_of_jobs_obeys_nothing_in_it(name: str) -> None:
    text = WRITERS[name]()
    assert OBEYED in json.dumps(json.loads(text)), "a program reads what was there"
    assert "##" not in text
    assert text.isascii()


def test_a_comparison_is_written_cell_by_cell() -> None:
    names = [f"smb3-only:samba-4.22:windows-7:{check}" for check in ("browse", "open", "write")]
    was, now = (run(dict.fromkeys(names, effect), {}) for effect in (Effect.LOST, Effect.KEPT))
    told = list(comparison_document.pieces(runs.compare(was, now), frozenset(names[:1])))
    found = json.loads("".join(told))
    assert [(one["cell"], one["emulated"]) for one in found["cells"]] == [
        (name, name == names[0]) for name in names
    ]
    # None of them is in a piece with another; a list that is empty is there all the same.
    assert [piece.count('"turn"') for piece in told if '"turn"' in piece] == [1, 1, 1]
    assert (found["exposures"], found["expectations"], found["versions"]) == ([], [], [])
    assert "".join(told) == json.dumps(found, indent=2)
