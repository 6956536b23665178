"""What of a combination cannot be made on a server or client is left out by name, the rest is rehearsed."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from commandline import rehearse
from conducting import Stage, conduct
from known import CATALOGUE
from rich.console import Console

from harness.clients.base import Client
from harness.conduct.workers import Pool
from harness.errors import UsageError
from harness.labs.local import LocalLab
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.mitigations.combination import Combination
from harness.model import CellId, ClientPolicy, Effect, Side
from harness.planning import plan, planner
from harness.report.cell import show_cell
from harness.report.documents import result as document
from harness.report.page import console_for
from harness.report.terminal import render
from harness.result import RunResult

ON_NAS = "ntlmv2-only+guest-off"
"""On a server where everybody is a guest NTLMv2 cannot be demanded of anybody."""
ON_XP = "smb1-client-off+smb3-only"
"""Windows XP has nothing but SMB1 to switch off."""
NOBODY = "nobody logs on with a password there: every user is a guest"


def named(made: plan.Plan) -> set[tuple[str, str, str]]:
    return {(one.mitigation, one.part, one.subject) for one in made.left_out}


def test_the_plan_names_what_is_left_out() -> None:
    made = planner.from_selectors(
        CATALOGUE,
        [
            f"{ON_NAS}:guest-share,samba-4.22:windows-7:open",
            f"{ON_XP}:samba-4.22-smb1:windows-xp,windows-7:open",
        ],
    )
    assert len(made.cells) == 4
    assert made.not_applicable == ()
    assert named(made) == {(ON_NAS, "ntlmv2-only", "guest-share"), (ON_XP, "smb1-client-off", "windows-xp")}
    assert next(one for one in made.left_out if one.mitigation == ON_NAS).reason == NOBODY
    # What is not measured is not told of.
    left = made.only(lambda cell: cell.server == "samba-4.22" or cell.client == "windows-7")
    assert len(left.cells) == 3
    assert named(left) == {(ON_NAS, "ntlmv2-only", "guest-share")}
    assert named(made.only(lambda cell: cell.mitigation == ON_XP)) == {
        (ON_XP, "smb1-client-off", "windows-xp")
    }


def test_only_where_no_part_can_be_made_the_combination_is_not_applicable() -> None:
    with pytest.raises(UsageError, match=f"ntlmv2-only: {NOBODY}; ntlm-off: {NOBODY}"):
        planner.from_selectors(CATALOGUE, ["ntlmv2-only+ntlm-off:guest-share:windows-7:open"])
    # One part cannot be made on the server, the other not on the client.
    made = planner.from_selectors(
        CATALOGUE, ["guest-client-off+smb1-client-off:samba-4.22-smb1:windows-xp,windows-7:open"]
    )
    assert [cell.client for cell in made.cells] == ["windows-7"]
    assert named(made) == {("guest-client-off+smb1-client-off", "guest-client-off", "samba-4.22-smb1")}
    assert [one.subject for one in made.not_applicable] == ["windows-xp"]


def test_a_part_that_acts_on_both_sides_is_not_left_out_on_a_client() -> None:
    """It is made on the server all the same, for everybody."""

    class Both(Mitigation):
        name = "both"
        title = "on both sides"
        sides = frozenset({Side.SERVER, Side.CLIENT})
        expectation = Expectation("", "")

        def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:  # noqa: ARG002
            raise NotApplicableError("not here")

    whole = Combination((Both(), CATALOGUE.mitigation("signing-required")))
    with pytest.raises(NotApplicableError, match="not here"):
        whole.within(CATALOGUE.servers["samba-4.22"], CATALOGUE.clients["windows-7"])


@pytest.mark.local_lab
def test_the_rest_is_rehearsed_and_every_report_names_what_is_not(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    cells = [f"{ON_NAS}:guest-share:windows-7:open", f"{ON_XP}:samba-4.22-smb1:windows-xp,windows-7:open"]
    result = conduct(tmp_path, cells, Stage(lab), pool)
    found = {str(cell.cell): cell for cell in result.cells}
    assert {name: cell.effect for name, cell in found.items()} == dict.fromkeys(found, Effect.LOST)
    # Nobody is blamed, looked for or tried that was not made there.
    assert {name: list(cell.parts) for name, cell in found.items()} == {
        cells[0]: ["guest-off"],
        f"{ON_XP}:samba-4.22-smb1:windows-xp:open": ["smb3-only"],
        f"{ON_XP}:samba-4.22-smb1:windows-7:open": ["smb1-client-off", "smb3-only"],
    }
    assert not any(
        "NTLM" in applied.took_effect for applied in result.applied if applied.server == "guest-share"
    )
    told = json.loads(document.render_json(result))["left_out"]
    assert told[0] == {
        "mitigation": ON_NAS,
        "part": "ntlmv2-only",
        "subject": "guest-share",
        "reason": NOBODY,
        "side": "server",
        "emulated": False,
    }
    assert [(one["part"], one["subject"]) for one in told[1:]] == [("smb1-client-off", "windows-xp")]
    first = shown(result)
    assert f"without ntlmv2-only ({NOBODY})" in first
    assert "without smb1-client-off on ~windows-xp (Windows XP speaks nothing but SMB1" in first
    details = shown(result, details=True)
    assert f"left out: ntlmv2-only on guest-share: {NOBODY}" in details
    assert "left out: smb1-client-off on ~windows-xp: " in details
    for client, times in (("windows-xp", 1), ("windows-7", 0)):
        page = io.StringIO()
        show_cell(result, CellId(ON_XP, "samba-4.22-smb1", client, "open"), wide(page))
        assert page.getvalue().count("left out: smb1-client-off on ~windows-xp") == times


def shown(result: RunResult, *, details: bool = False) -> str:
    page = io.StringIO()
    render(result, wide(page), details=details)
    return re.sub(r"\s+", " ", page.getvalue())


def wide(page: io.StringIO) -> Console:
    return console_for(page, {"COLUMNS": "200"})


def test_the_verb_plan_says_it() -> None:
    done = rehearse("plan", f"{ON_NAS}:guest-share:windows-7:open")
    assert done.status == 0
    told = re.sub(r"\s+", " ", done.stdout)
    assert f"left out of {ON_NAS} on guest-share: ntlmv2-only: {NOBODY}" in told
