"""Variants of emulated clients, and values of which nobody is certain: as data, on the wire, in a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.clients import persona
from harness.clients.base import Client, attempt
from harness.errors import UsageError
from harness.model import Attempt, CellId, Check, Dialect, Effect, Fidelity, Outcome, Phase, Side, StepName
from harness.record.reasons import reason
from harness.record.verdict import judge
from harness.servers.live import LiveServer

Serve = Callable[[str], LiveServer]
PERSONAS = {client.name: client for client in persona.CLIENTS}
VARIANTS = {client.name: client for client in persona.CLIENTS if client.data.based_on}
FOUR_STATES = (
    "windows-11-24h2",
    "windows-11-24h2-guests",
    "windows-11-24h2-unsigned",
    "windows-11-24h2-guests-unsigned",
)

# Of the files.


def test_there_are_few_and_each_says_what_it_is() -> None:
    assert 1 < len(VARIANTS) < 10
    for name, client in VARIANTS.items():
        assert client.title.endswith(f"a variant of {client.data.based_on}"), name
        assert client.data.changes, name
        assert not PERSONAS[client.data.based_on].data.based_on
        # Its base was recorded, or is measured against the real thing; it was not.
        assert (client.fidelity, client.data.recordings, client.counterpart) == ("documented", (), "")
        assert client.details()["a variant of"] == client.data.based_on


def test_a_variant_is_its_base_but_for_what_it_says() -> None:
    base, variant = PERSONAS["windows-10-22h2"].data, PERSONAS["windows-10-ntlmv1"].data
    assert variant.changes == ("ntlm.level = NTLMv1", "policy.ntlmv2_only = False")
    assert variant.policy == replace(base.policy, ntlmv2_only=False)
    assert variant.manner == replace(base.manner, ntlm=replace(base.manner.ntlm, level="NTLMv1"))
    assert (variant.opening, variant.habits, variant.sees) == (base.opening, base.habits, base.sees)


OWN = 'name = "mine"\ntitle = "mine (emulated)"\nfidelity = "documented"\n'
WHY = '[[evidence]]\nwhat = "all"\nsource = "inferred"\n'


def test_a_variant_of_a_built_in_client_can_lie_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'based_on = "windows-xp"\n{OWN}[smb1_session]\nmax_mpx = 1\n{WHY}', "utf-8")
    made = persona.load(path)
    assert made.data.manner.smb1.max_mpx == 1
    assert made.data.opening == PERSONAS["windows-xp"].opening
    assert made.sees == PERSONAS["windows-xp"].sees


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'based_on = "windows-3.1"\n{OWN}{WHY}', "based_on: .*windows-3.1.toml does not exist"),
        (f'based_on = "windows-10-ntlmv1"\n{OWN}{WHY}', "windows-10-ntlmv1 is a variant itself"),
        (f'based_on = "windows-xp"\nname = "mine"\n{WHY}', "title: a variant says this itself"),
        (f'based_on = "windows-xp"\ncolour = 1\n{OWN}{WHY}', "colour"),
        (
            f'based_on = "windows-xp"\n{OWN}{WHY}[[doubts]]\nat = "guest_signing"\nstate = "not settled"\n'
            'what = "x"\nsources = ["one"]\n',
            "name both sources",
        ),
    ],
)
def test_a_mistake_in_a_variant_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=said) as caught:
        persona.load(path)
    assert str(path) in str(caught.value)


# On the wire.


@contextmanager
def under(live: LiveServer, change: str) -> Iterator[LiveServer]:
    before = live.state
    made = CATALOGUE.mitigation(change)
    try:
        made.apply(live)
        yield live
    finally:
        made.revert(live, before)


def does(live: LiveServer, client: Client, check: Check = Check.OPEN, **policy: object) -> Attempt:
    return attempt(client, check, live.target, replace(client.policy, **policy))  # type: ignore[arg-type]


def refused(done: Attempt) -> tuple[StepName | None, str | None, Side | None]:
    assert done.outcome is Outcome.REFUSED, done
    return done.step, done.status, done.side


@pytest.mark.local_lab
def test_padding_behind_the_last_context_is_too_much_for_samba_before_4_15(serve: Serve) -> None:
    padded, usual = PERSONAS["linux-cifs-5.18.8"], PERSONAS["linux-cifs"]
    done = does(serve("samba-4.13"), padded)
    assert refused(done) == (StepName.NEGOTIATE, "STATUS_INVALID_PARAMETER", Side.SERVER)
    assert "error(22)" in padded.words("negotiate", "STATUS_INVALID_PARAMETER", Side.SERVER)
    for server, client in (("samba-4.13", usual), ("samba-4.17", padded), ("samba-4.22", padded)):
        assert does(serve(server), client).outcome is Outcome.OK, (server, client.name)


@pytest.mark.local_lab
def test_who_signs_no_tree_connect_is_refused_there_over_311_and_not_over_302(serve: Serve) -> None:
    """The real smbprotocol without signing shows the same, step by step."""
    live = serve("samba-4.22")
    for client in (PERSONAS["libsmb2-player-2021"], CATALOGUE.clients["smbprotocol"]):
        done = does(live, client, require_signing=False)
        assert refused(done) == (StepName.TREE_CONNECT, "STATUS_ACCESS_DENIED", Side.SERVER), client.name
        assert done.dialect == "3.1.1"
        if client.fidelity is not Fidelity.REAL:
            assert "must be signed, and this client does not sign it" in reason(done)
        older = does(live, client, require_signing=False, max_dialect=Dialect.SMB3_02)
        assert (older.outcome, older.dialect) == (Outcome.OK, "3.0.2"), client.name


@pytest.mark.local_lab
def test_one_pc_of_many_answers_with_ntlmv1(serve: Serve) -> None:
    odd, usual = PERSONAS["windows-10-ntlmv1"], PERSONAS["windows-10-22h2"]
    before = does(serve("samba-4.22-smb1"), odd)
    assert (before.outcome, before.dialect, before.auth) == (Outcome.OK, "3.1.1", "NTLMv1")
    with under(serve("samba-4.22-smb1"), "ntlmv2-only") as live:
        done = does(live, odd)
        assert refused(done) == (StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE", Side.SERVER)
        assert "user name or password is incorrect" in odd.words(str(done.step), str(done.status), done.side)
        assert does(live, usual).outcome is Outcome.OK
        assert does(live, odd, ntlmv2_only=True).outcome is Outcome.OK


@pytest.mark.local_lab
def test_the_two_switches_of_windows_11_24h2_have_four_states(serve: Serve) -> None:
    live = serve("guest-share")
    ends = {name: does(live, PERSONAS[name]) for name in FOUR_STATES}
    told = {
        name: (done.status, PERSONAS[name].words(str(done.step), str(done.status), done.side))
        for name, done in ends.items()
    }
    assert {name: status for name, (status, _) in told.items()} == {
        "windows-11-24h2": "STATUS_SMB_GUEST_LOGON_BLOCKED",
        "windows-11-24h2-guests": "STATUS_INVALID_SIGNATURE",
        "windows-11-24h2-unsigned": "STATUS_SMB_GUEST_LOGON_BLOCKED",
        "windows-11-24h2-guests-unsigned": None,
    }
    assert len({words for _, words in told.values()}) == 4
    for name in FOUR_STATES:
        assert does(serve("samba-4.22"), PERSONAS[name]).outcome is Outcome.OK


@pytest.mark.local_lab
def test_guests_under_required_signing(serve: Serve) -> None:
    """What was seen of each kind of client: [MS-SMB2] 3.2.5.3.1, a log of smbd, the kernel's own warning."""
    with under(serve("guest-share"), "signing-required") as live:
        for name in ("macos-10.14", "macos-13", "linux-cifs"):
            done = does(live, PERSONAS[name])
            assert refused(done) == (StepName.TREE_CONNECT, "STATUS_ACCESS_DENIED", Side.SERVER), name
            assert done.auth == "guest"
            assert bool(done.inferred) is (name != "macos-10.14")
        for name in ("windows-10-22h2", "windows-7", "windows-11-24h2-guests-unsigned"):
            done = does(live, PERSONAS[name])
            assert (done.outcome, done.auth, done.signed) == (Outcome.OK, "guest", False), name
            assert "goes on:" in done.not_settled
            assert "gives up:" in done.not_settled
        # Measured, so nothing is left open: the persona does as smbclient.
        same = [
            does(live, client) for client in (PERSONAS["samba-smbclient-4"], CATALOGUE.clients["smbclient"])
        ]
        assert [(one.outcome, one.not_settled, one.inferred) for one in same] == [(Outcome.OK, "", "")] * 2
    with under(serve("samba-4.22"), "signing-required") as live:
        for name in ("macos-10.14", "linux-cifs", "windows-10-22h2"):
            done = does(live, PERSONAS[name])
            assert (done.outcome, done.signed, done.not_settled, done.inferred) == (Outcome.OK, True, "", "")


# In a verdict.

CELL = CellId("signing-required", "guest-share", "windows-10-22h2", "open")


@pytest.mark.parametrize(
    ("applied", "effect"),
    [
        (Attempt(Outcome.OK, not_settled="they disagree"), Effect.NOT_SETTLED),
        # Refused though it asks for least: whatever the real one does, it does not get in.
        (Attempt(Outcome.REFUSED, status="CLOSED", not_settled="they disagree"), Effect.LOST),
        (Attempt(Outcome.FAULT, not_settled="they disagree"), Effect.FAULT),
        (Attempt(Outcome.OK, inferred="as its brother"), Effect.KEPT),
    ],
)
def test_what_is_not_settled_is_not_kept(applied: Attempt, effect: Effect) -> None:
    fine = Attempt(Outcome.OK)
    phases = {Phase.BASELINE: fine, Phase.APPLIED: applied, Phase.ROLLED_BACK: fine}
    found = judge(CELL, phases, CATALOGUE.mitigation(CELL.mitigation), PERSONAS[CELL.client], None)
    assert (found.effect, found.not_settled, found.inferred) == (
        effect,
        applied.not_settled,
        applied.inferred,
    )
    if effect is Effect.NOT_SETTLED:
        assert (found.cause, found.expected, found.restored) == ("they disagree", True, True)
