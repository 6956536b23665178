"""Why a check beside the everyday ones is lost, from what its attempts show."""

from __future__ import annotations

import pytest
from known import CATALOGUE

from harness.model import Attempt, Outcome, Step, StepName

OK = "STATUS_SUCCESS"
DENIED = "STATUS_ACCESS_DENIED"


def attempt(*done: StepName, refused: StepName | None = None, dialect: str = "3.1.1") -> Attempt:
    steps = tuple(Step(name, OK, 1.0) for name in done)
    if refused is None:
        return Attempt(Outcome.OK, steps=steps, dialect=dialect, auth="NTLMv2")
    return Attempt(
        Outcome.REFUSED,
        steps=(*steps, Step(refused, DENIED, 1.0)),
        step=refused,
        status=DENIED,
        dialect=dialect,
        auth="NTLMv2",
    )


TO_THE_TAB = (StepName.TREE_CONNECT, StepName.QUERY_SECURITY, StepName.TREE_CONNECT_IPC)
WHOLE = (*TO_THE_TAB, StepName.CREATE_PIPE, StepName.LOOKUP_SIDS)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("nt-pipe-support-off", "the owner's name needs lsarpc"),
        ("nt-pipe-support-off-reload", "the owner's name needs lsarpc"),
        ("rpc-helpers-off", "nothing serves the pipe lsarpc, which tells the names of owners"),
    ],
)
@pytest.mark.parametrize("step", [StepName.CREATE_PIPE, StepName.LOOKUP_SIDS])
def test_the_pipe_of_the_security_tab_is_lsarpc(change: str, what: str, step: StepName) -> None:
    made = CATALOGUE.mitigation(change)
    assert what in made.cause(attempt(*WHOLE), attempt(*TO_THE_TAB, refused=step))
    assert what in made.stops(attempt(*WHOLE))
    # Who lists shares asks srvsvc.
    listing = attempt(StepName.TREE_CONNECT_IPC, refused=StepName.CREATE_PIPE)
    assert "srvsvc" in made.cause(attempt(StepName.TREE_CONNECT_IPC, StepName.CREATE_PIPE), listing)


def test_a_share_that_demands_encryption_shows_smb1_no_descriptor() -> None:
    made = CATALOGUE.mitigation("share-encryption-required")
    before = attempt(*WHOLE, dialect="NT LM 0.12")
    refused = attempt(StepName.TREE_CONNECT, refused=StepName.QUERY_SECURITY, dialect="NT LM 0.12")
    assert "the share demands encryption, which SMB1 does not have" in made.cause(before, refused)
