"""From scenarios and selectors to ordered cells and jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.checks import BY_NAMES, EVERYDAY
from harness.errors import UsageError
from harness.mitigations.base import Mitigation
from harness.model import Effect, Tier
from harness.planning import planner, scenario
from harness.servers.base import Server, ServerState


def test_the_article_has_seven_rows_and_every_claim_of_it() -> None:
    made = planner.from_scripts(CATALOGUE, "article", [scenario.find(CATALOGUE, "article")])
    assert [row.name.split("-")[1] for row in made.rows] == list("1234567")
    assert len(made.cells) == len(set(made.cells))
    assert made.expected["nt-pipe-support-off:sles11-like:windows-7:open"].effect is Effect.KEPT
    assert made.expected["nt-pipe-support-off:sles11-like:windows-7:open"].said is Effect.LOST


def test_what_cannot_be_made_is_left_out_with_its_reason() -> None:
    made = planner.from_scripts(CATALOGUE, "article", [scenario.find(CATALOGUE, "article")])
    reasons = {(one.mitigation, one.subject): one.reason for one in made.not_applicable}
    assert "no patch to be had" in reasons["vendor-patch", "consumer-nas"]
    assert ("smb1-client-off", "windows-xp") in reasons
    assert not any(cell.mitigation == "vendor-patch" and cell.server == "consumer-nas" for cell in made.cells)


def test_cells_are_grouped_into_one_job_a_server_in_order() -> None:
    made = planner.from_selectors(
        CATALOGUE, ["none,smb3-only:samba-4.22,samba-4.13:windows-7,windows-xp:open"]
    )
    assert [(job.mitigation, job.server, len(job.cells)) for job in made.jobs] == [
        ("none", "samba-4.22", 2),
        ("none", "samba-4.13", 2),
        ("smb3-only", "samba-4.22", 2),
        ("smb3-only", "samba-4.13", 2),
    ]
    assert made.attempts == 4 * 1 + 4 * 3
    assert made.images(CATALOGUE) == ("trixie", "bullseye")


def test_an_upgrade_needs_both_images() -> None:
    assert planner.from_selectors(CATALOGUE, ["vendor-patch:sles11-like:windows-7"]).images(CATALOGUE) == (
        "bullseye",
        "bullseye-security",
    )


def test_a_client_program_needs_its_image() -> None:
    assert planner.from_selectors(CATALOGUE, ["none:samba-4.13:smbclient:open"]).images(CATALOGUE) == (
        "bullseye",
        "trixie",
    )


def test_a_combination_is_selected_by_its_name() -> None:
    made = planner.from_selectors(CATALOGUE, ["ntlmv2-only+signing-required:samba-4.22:windows-7:open"])
    assert [cell.mitigation for cell in made.cells] == ["ntlmv2-only+signing-required"]


def test_star_leaves_out_what_a_client_cannot_do_and_a_name_does_not() -> None:
    assert not any(
        cell.check == "browse" for cell in planner.from_selectors(CATALOGUE, ["none:samba-4.22:curl"]).cells
    )
    assert [
        cell.check for cell in planner.from_selectors(CATALOGUE, ["none:samba-4.22:curl:browse"]).cells
    ] == ["browse"]


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("smb3-onyl:samba-4.22", "did you mean smb3-only"),
        ("smb3-only:sambra-4.22", "did you mean samba-4.22"),
        ("smb3-only:samba-4.22:windows-8", "did you mean windows-"),
        ("smb3-only:samba-4.22:curl:opne", "did you mean open"),
        ("nothing*:samba-4.22", "no mitigation matches"),
        ("smb3-*+ntlmv2-only:samba-4.22", "a combination is made of names: name each part in full"),
        ("smb3-only+smb3-only:samba-4.22", "twice"),
        ("smb3-only:consumer-nas", "speaks at most SMB NT LM 0.12"),
    ],
)
def test_mistakes_name_the_nearest_and_how_to_list(selector: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"[Ss]ee: rehearse list|speaks at most|twice") as caught:
        planner.from_selectors(CATALOGUE, [selector])
    assert words in str(caught.value)


def test_what_lives_in_another_lab_is_left_out_with_the_lab_that_it_needs() -> None:
    only_local = replace(CATALOGUE.servers["samba-4.22"], name="at-home", labs=frozenset({Tier.LOCAL}))
    catalogue = replace(CATALOGUE, servers={**CATALOGUE.servers, "at-home": only_local})
    cells = "none:at-home,samba-4.22:windows-7:open"
    assert len(planner.from_selectors(catalogue, [cells]).cells) == 2
    made = planner.from_selectors(catalogue, [cells], Tier.VAGRANT)
    assert [cell.server for cell in made.cells] == ["samba-4.22"]
    assert [(no.subject, no.reason) for no in made.not_applicable] == [
        ("at-home", "it lives in another lab: --lab local")
    ]
    assert made.lab is Tier.VAGRANT
    named = {
        cell.server
        for cell in planner.from_selectors(CATALOGUE, ["none:*:windows-7:open"], Tier.VAGRANT).cells
    }
    assert "at-home" not in named
    assert "samba-4.22" in named


def test_a_check_that_is_no_everyday_one_is_measured_when_it_is_named() -> None:
    def checks(part: str) -> list[str]:
        made = planner.from_selectors(CATALOGUE, [f"none:samba-4.22:windows-7,aiosmb{part}"])
        return [f"{cell.client} {cell.check}" for cell in made.cells]

    everyday = [f"windows-7 {check}" for check in EVERYDAY]
    everyday += [f"aiosmb {check}" for check in ("browse", "open", "write")]
    assert checks("") == checks(":*") == everyday
    # aiosmb cannot: left out of a pattern, answered "unsupported" by name.
    assert checks(":ren*") == ["windows-7 rename"]
    assert checks(":rename") == ["windows-7 rename", "aiosmb rename"]
    assert set(checks(":*,rename")) == {*everyday, "windows-7 rename", "aiosmb rename"}


def test_clients_with_tickets_are_clients_of_a_domain() -> None:
    """A pattern means them there alone; by name they are left out elsewhere, with the reason."""
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.22,samba-ad-member:smbclient*:open"])
    by_server = {
        server: {cell.client for cell in made.cells if cell.server == server}
        for server in ("samba-4.22", "samba-ad-member")
    }
    ticketed = {
        name
        for name, client in CATALOGUE.clients.items()
        if name.startswith("smbclient") and client.in_domain_alone
    }
    assert {"smbclient-kerberos", "smbclient-4.25-kerberos", "smbclient-kerberos-as-protected"} <= ticketed
    assert by_server["samba-ad-member"] - by_server["samba-4.22"] == ticketed
    assert not made.not_applicable
    named = planner.from_selectors(CATALOGUE, ["none:samba-4.22:smbclient,smbclient-kerberos:open"])
    assert [(one.subject, one.reason) for one in named.not_applicable] == [
        ("smbclient-kerberos", "it logs on with tickets, and samba-4.22 is in no domain")
    ]


def test_who_comes_by_quic_alone_is_a_client_where_it_is_offered() -> None:
    """A pattern means it there alone; by name it is asked anywhere, and finds nothing."""

    def asked(changes: str) -> set[str]:
        made = planner.from_selectors(CATALOGUE, [f"{changes}:samba-4.22:smbclient*:open"])
        return {cell.mitigation for cell in made.cells if cell.client == "smbclient-4.25-quic"}

    assert asked("*") == asked("smb3-only,quic-relay*") == {"quic-relay", "quic-relay-only"}
    # What is a mistake in itself is meant where nothing else fits.
    assert len(asked("quic-relay-only-*")) == 3
    both = planner.from_selectors(CATALOGUE, ["smb3-only+quic-relay:samba-4.22:smbclient*:open"])
    assert "smbclient-4.25-quic" in {cell.client for cell in both.cells}
    named = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22:smbclient-4.25-quic:open"])
    assert len(named.cells) == 1


def test_what_the_server_is_called_is_asked_about_in_a_domain() -> None:
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.22,samba-ad-member:smbclient:open-by-*"])
    assert {(cell.server, cell.check) for cell in made.cells} == {
        ("samba-ad-member", check) for check in BY_NAMES
    }
    assert {one.subject for one in made.not_applicable} == {"samba-4.22"}
    assert not BY_NAMES.intersection(EVERYDAY)


def test_a_client_without_ntlm_needs_a_domain() -> None:
    made = planner.from_selectors(
        CATALOGUE,
        ["ntlm-blocked-by-client:samba-4.22,samba-ad-member:smbclient,smbclient-kerberos:open-by-name,open"],
    )
    assert {(cell.server, cell.client) for cell in made.cells} == {("samba-ad-member", "smbclient-kerberos")}
    reasons = {one.subject: one.reason for one in made.not_applicable}
    assert reasons["samba-4.22"].startswith("it is in no domain")
    assert reasons["smbclient"] == "smbclient is not known to have such a setting"


def test_a_change_is_asked_once_for_a_server_and_not_for_each_of_its_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a plan of a million cells costs: a server's state with a change is worked out once a job."""
    asked: list[str] = []
    made_in = Mitigation.changed

    def counted(self: Mitigation, state: ServerState, server: Server) -> ServerState:
        asked.append(f"{self.name}:{server.name}")
        return made_in(self, state, server)

    monkeypatch.setattr(Mitigation, "changed", counted)
    plan = planner.from_selectors(CATALOGUE, ["smb3-only,signing-required:samba-4.22,samba-4.17:*:*"])
    assert len(plan.cells) > 100 * len(plan.jobs)
    assert sorted(asked) == sorted(f"{job.mitigation}:{job.server}" for job in plan.jobs)
    assert plan.cells == tuple(cell for job in plan.jobs for cell in job.cells)
