"""Every probe in every state it can take here, on real servers; the table in the documentation is fresh."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from exposure_configurations import CONFIGURATIONS, SMB1, Configuration, measure_twice
from exposure_states import PAGE, probes, section, states

from harness.labs.local import LocalLab
from harness.model import Hole, Sighting
from harness.result import SURVIVES

# In one test process: all that is measured is measured once.
pytestmark = pytest.mark.xdist_group("states")

Measured = Mapping[str, Mapping[str, Sighting]]


@pytest.fixture(scope="module")
def both(lab: LocalLab) -> Mapping[str, tuple[dict[str, Sighting], dict[str, Sighting]]]:
    """What is seen with a connection for each session, and with several sessions on one."""
    return {name: (apart, together) for name, apart, together in measure_twice(lab, CONFIGURATIONS)}


@pytest.fixture(scope="module")
def measured(both: Mapping[str, tuple[dict[str, Sighting], dict[str, Sighting]]]) -> Measured:
    return {name: apart for name, (apart, _) in both.items()}


def test_the_documentation_describes_every_probe() -> None:
    assert section(PAGE.read_text(encoding="utf-8"), "probes") == probes(), (
        "run: python -m harness.labs.namespace -- python tests/exposures/exposure_states.py"
    )


@pytest.mark.local_lab
def test_the_documentation_shows_what_is_measured(measured: Measured) -> None:
    assert section(PAGE.read_text(encoding="utf-8"), "states") == states(measured), (
        "run: python -m harness.labs.namespace -- python tests/exposures/exposure_states.py"
    )


SIGNED = {"server_signing": "mandatory"}
PRINT = {"print_command": "/bin/true %J"}
READ_ONLY = {"read_only": "yes"}
WORM = {"vfs_objects": "worm"}
SPOTLIGHT = {"spotlight": "yes"}
XATTR = {"vfs_objects": "streams_xattr"}
EXPECTED = [
    # exposure, server, settings, state, a word of the evidence
    ("smb1-spoken", Configuration("samba-4.22"), Hole.CLOSED, "0xFFFF"),
    ("smb1-spoken", Configuration("sles11-like"), Hole.OPEN, "NT LM 0.12"),
    ("smb1-spoken", Configuration("samba-4.13", {"server_min_protocol": "LANMAN1"}), Hole.OPEN, "LANMAN2.1"),
    ("smb2-spoken", Configuration("samba-4.22", {"server_min_protocol": "SMB3_00"}), Hole.CLOSED, "NOT_SUPP"),
    ("lm-accepted", Configuration(SMB1, {"lanman_auth": "yes"}), Hole.OPEN, "with LM"),
    ("ntlmv1-accepted", Configuration(SMB1), Hole.OPEN, "with NTLMv1"),
    ("ntlmv1-accepted", Configuration("samba-4.17"), Hole.CLOSED, "LOGON_FAILURE"),
    ("ntlm-accepted", Configuration("samba-4.17"), Hole.OPEN, "without NTLM no account would get in"),
    ("ntlm-accepted", Configuration("samba-4.22", {"ntlm_auth": "disabled"}), Hole.CLOSED, "NTLM_BLOCKED"),
    ("ntlmv1-accepted", Configuration("samba-4.22", {"ntlm_auth": "disabled"}), Hole.CLOSED, "NTLM_BLOCKED"),
    ("ntlm-accepted-by-dc", Configuration("samba-4.22"), Hole.NOT_EXPOSED, "in no domain"),
    ("kerberos-not-offered", Configuration("samba-4.22"), Hole.NOT_EXPOSED, "in no domain"),
    ("kerberos-not-offered", Configuration(SMB1, wire=True), Hole.UNKNOWN, "is not known"),
    ("spn-not-validated", Configuration("samba-4.13"), Hole.OPEN, "cifs/another-server.invalid"),
    ("anonymous-ipc", Configuration(SMB1, {"restrict_anonymous": "2"}), Hole.CLOSED, "ACCESS_DENIED"),
    ("anonymous-users", Configuration("samba-4.25"), Hole.OPEN, "accounts"),
    ("unauthenticated-pipes", Configuration(SMB1, {"nt_pipe_support": "no"}), Hole.CLOSED, "samr"),
    ("rap-listing", Configuration(SMB1, {"nt_pipe_support": "no"}), Hole.OPEN, "although the pipe srvsvc"),
    ("signing-not-enforced", Configuration(SMB1, SIGNED), Hole.OPEN, "without ext"),
    (
        "signing-not-enforced",
        Configuration("samba-4.22", SIGNED),
        Hole.CLOSED,
        "signed",
    ),
    (
        "signing-not-enforced",
        Configuration("guest-share", SIGNED),
        Hole.OPEN,
        "guest",
    ),
    ("encryption-not-required", Configuration(SMB1, {"smb_encrypt": "required"}), Hole.CLOSED, "AES-128-GCM"),
    ("guest-writable", Configuration("guest-share"), Hole.OPEN, "share"),
    (
        "guest-writable",
        Configuration("guest-share", share={"read_only": "yes"}),
        Hole.CLOSED,
        "ACCESS_DENIED",
    ),
    ("bad-password-guest", Configuration("samba-4.13", {"map_to_guest": "Bad Password"}), Hole.OPEN, "guest"),
    ("weak-ciphers-only", Configuration("samba-4.22", {"server_max_protocol": "SMB3_00"}), Hole.OPEN, "CCM"),
    ("ms17-010", Configuration(SMB1), Hole.NOT_EXPOSED, "no evidence"),
    ("ms17-010", Configuration("samba-4.22"), Hole.NOT_EXPOSED, "SMB1 is not spoken"),
    ("ms17-010", Configuration(SMB1, wire=True), Hole.UNKNOWN, "no evidence"),
    ("cve-2017-7494", Configuration("samba-4.13"), Hole.CLOSED, "changelog"),
    ("cve-2017-7494", Configuration("sles11-like"), Hole.UNKNOWN, "it stands for SUSE"),
    ("cve-2017-7494", Configuration("sles11-like", {"nt_pipe_support": "no"}), Hole.NOT_EXPOSED, "nt pipe"),
    ("cve-2017-7494", Configuration(SMB1, wire=True), Hole.UNKNOWN, "only the wire"),
    ("cve-2025-9640", Configuration("samba-4.13", share=XATTR), Hole.OPEN, "streams_xattr"),
    ("cve-2026-4480", Configuration("samba-4.13", share=PRINT), Hole.OPEN, "print command with %J"),
    ("cve-2026-1933", Configuration("samba-4.13", share=READ_ONLY), Hole.OPEN, "cannot be written to"),
    ("cve-2026-1933", Configuration("samba-4.13"), Hole.NOT_EXPOSED, "read only = No"),
    ("cve-2026-1933", Configuration("guest-share", share=READ_ONLY), Hole.CLOSED, "changelog"),
    ("cve-2026-2340", Configuration("samba-4.13", share=WORM), Hole.OPEN, "worm among its vfs objects"),
    ("cve-2026-2340", Configuration("samba-4.17"), Hole.CLOSED, "changelog"),
    ("cve-2023-34966", Configuration("samba-4.13", share=SPOTLIGHT), Hole.CLOSED, "changelog"),
    ("cve-2023-3347", Configuration("samba-4.17"), Hole.CLOSED, "changelog"),
    ("cve-2023-3347", Configuration("samba-4.13"), Hole.CLOSED, "not among the affected"),
    ("cve-2025-33073", Configuration("samba-4.22"), Hole.NOT_EXPOSED, "this is samba"),
    ("end-of-life", Configuration("samba-4.13"), Hole.OPEN, "2026-08-31"),
    ("end-of-life", Configuration("samba-4.22"), Hole.CLOSED, "2030-06-30"),
    ("smb1-spoken", Configuration(SMB1, stopped=True), Hole.NOT_EXPOSED, "stopped"),
]


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("exposure", "configuration", "state", "word"),
    EXPECTED,
    ids=lambda value: value.name if isinstance(value, Configuration) else str(value),
)
def test_a_state_and_what_decided_it(
    measured: Measured, exposure: str, configuration: Configuration, state: Hole, word: str
) -> None:
    seen = measured[configuration.name][exposure]
    assert (seen.state, word in seen.evidence) == (state, True), seen


@pytest.mark.local_lab
def test_sessions_that_share_a_connection_see_what_each_sees_alone(
    both: Mapping[str, tuple[dict[str, Sighting], dict[str, Sighting]]],
) -> None:
    """To the letter; only how many connections it took differs, and they are fewer by a third at least."""
    made = {"apart": 0, "together": 0}
    for name, (apart, together) in both.items():
        for way, seen in (("apart", apart), ("together", together)):
            took = re.search(r"after the (\d+) connections", seen[SURVIVES].evidence)
            made[way] += int(took[1]) if took else 0
        assert {**together, SURVIVES: None} == {**apart, SURVIVES: None}, name
        assert together[SURVIVES].state is apart[SURVIVES].state, name
    assert made["together"] * 3 < made["apart"] * 2, made


@pytest.mark.local_lab
def test_no_probe_crashed_and_no_server_fell_over(measured: Measured) -> None:
    for name, seen in measured.items():
        assert not [one for one in seen.values() if "crashed" in one.evidence], name
        assert seen[SURVIVES].state in (Hole.CLOSED, Hole.NOT_EXPOSED), (name, seen[SURVIVES])
