"""What people reported of SMB changes comes out in the lab: the scenarios ``field-…``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import node_client
import pytest
from conducting import Stage, carry_out
from known import CATALOGUE

from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Effect, Phase
from harness.planning import planner, scenario, selecting
from harness.result import CellResult

WHOLE = "field"
GUIDE = Path(__file__).resolve().parent.parent / "docs" / "field-cases.md"
ENDS = {
    # case and the cells of it -> where and how the lost ones end
    "nt-pipe-support-off:*:windows-*:browse": {("create-pipe", "STATUS_ACCESS_DENIED")},
    "smb1-server-off:samba-4.22-smb1:media-player,office-scanner,windows-xp,curl": {
        ("negotiate", "NO_DIALECT")
    },
    "smb1-server-off:*:windows-10-1703:discover": {("discover", "NO_ANSWER")},
    "smb21-minimum:*:windows-vista": {("negotiate", "NO_DIALECT")},
    "smb202-maximum:*:linux-cifs": {("negotiate", "STATUS_NOT_SUPPORTED")},
    "none:sles11-like:linux-cifs-4.13,linux-cifs": {("negotiate", "CLOSED")},
    "signing-required:guest-share:linux-cifs,macos-10.14": {("tree-connect", "STATUS_ACCESS_DENIED")},
    "ntlmv2-only:*:windows-10-ntlmv1": {("session-setup", "STATUS_LOGON_FAILURE")},
    "none:samba-4.22:libsmb2-player-2021": {("tree-connect", "STATUS_ACCESS_DENIED")},
    "ntlm-off": {("session-setup", "STATUS_NTLM_BLOCKED")},
    "aes256-only+encryption-required:*:windows-10-22h2,linux-cifs": {
        ("session-setup", "STATUS_ACCESS_DENIED")
    },
    "encryption-required:*:windows-7,pysmb,node-smb2": {("session-setup", "STATUS_ACCESS_DENIED")},
    "share-encryption-required:*:windows-7,pysmb,node-smb2": {("tree-connect", "STATUS_ACCESS_DENIED")},
    "smb3-only,smb311-only:*:windows-7": {("negotiate", "STATUS_NOT_SUPPORTED")},
    "rpc-helpers-off:*:*:browse": {("create-pipe", "STATUS_ACCESS_DENIED")},
}


@pytest.fixture(scope="module")
def measured(lab: LocalLab, pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CellResult]:
    """Every cell of the cases, by its id."""
    made = planner.from_scripts(CATALOGUE, WHOLE, [scenario.find(CATALOGUE, WHOLE)])
    result = carry_out(tmp_path_factory.mktemp("field") / "run", made, Stage(lab), pool)
    assert result.complete
    return {str(cell.cell): cell for cell in result.cells if not node_client.lacks(cell.cell.client)}


@pytest.mark.local_lab
def test_the_field_is_right(measured: Mapping[str, CellResult]) -> None:
    assert [f"{name}: {cell.effect}" for name, cell in measured.items() if not cell.expected] == []


@pytest.mark.local_lab
@pytest.mark.parametrize("selector", ENDS)
def test_a_refusal_is_where_the_reports_have_it(measured: Mapping[str, CellResult], selector: str) -> None:
    phases = (Phase.APPLIED, Phase.BASELINE)
    refused = [
        next(cell.phases[phase] for phase in phases if phase in cell.phases)
        for cell in measured.values()
        if selecting.matches(selector, cell.cell)
        and cell.effect in (Effect.LOST, Effect.NEVER)
        and not cell.unsupported
    ]
    assert {(str(one.step), one.status) for one in refused} == ENDS[selector]


@pytest.mark.local_lab
def test_every_lost_cell_has_a_cause_and_words(measured: Mapping[str, CellResult]) -> None:
    """No report leaves a reader with the status alone."""
    lost = [cell for cell in measured.values() if cell.effect is Effect.LOST]
    assert lost
    assert [str(cell.cell) for cell in lost if not cell.cause] == []


@pytest.mark.local_lab
def test_a_rule_of_the_protocol_is_no_access_rule(measured: Mapping[str, CellResult]) -> None:
    cell = measured["none:samba-4.22:libsmb2-player-2021:open"]
    assert "over SMB 3.1.1 every user's tree connect must be signed" in cell.cause


def test_the_guide_names_every_case() -> None:
    text = GUIDE.read_text()
    whole = scenario.find(CATALOGUE, WHOLE).scenario.includes
    assert [name for name in whole if f"`{name}`" not in text] == []
    rows = {path for path in CATALOGUE.scenarios if path.startswith("field-")}
    assert rows == set(whole)
