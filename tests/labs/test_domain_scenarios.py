"""The scenarios of the domain come out as their claims say, and who is lost is lost where the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from conducting import Stage, carry_out, conduct
from known import CATALOGUE

from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Effect, Hole, Outcome, Phase
from harness.planning import planner, scenario
from harness.smb.status import NO_KERBEROS

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("domain")]

LOST = {
    "domain-ntlm-off": {
        ("ntlm-off-domain", "session-setup", "STATUS_NTLM_BLOCKED"),
        ("ntlm-blocked-by-client", "kerberos-tgs", "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        # smbclient, and the emulated Windows 11: each says so in its own way.
        ("ntlm-blocked-by-client", "session-setup", "STATUS_INVALID_PARAMETER"),
        ("ntlm-blocked-by-client", "session-setup", NO_KERBEROS),
    },
    "domain-rc4-off": {
        ("rc4-off", "kerberos-tgs", "KDC_ERR_ETYPE_NOSUPP"),
        *(
            (change, "kerberos-as", status)
            for change in ("rc4-off", "aes-machine-account+rc4-off")
            for status in ("KDC_ERR_ETYPE_NOSUPP", "KDC_ERR_PREAUTH_REQUIRED")
        ),
    },
    "domain-account-lockout": {
        ("account-lockout", "session-setup", "STATUS_ACCOUNT_LOCKED_OUT"),
    },
    "domain-netlogon-sealed": {
        ("netlogon-sealed", "session-setup", "STATUS_NO_LOGON_SERVERS"),
    },
    "domain-protected-users": {
        ("protected-users", "session-setup", "STATUS_ACCOUNT_RESTRICTION"),
        ("protected-users", "kerberos-as", "KDC_ERR_POLICY"),
    },
}
CLOSED = {(Hole.OPEN, Hole.CLOSED), (Hole.OPEN, Hole.NOT_EXPOSED)}
SHUT: dict[str, dict[str, set[str]]] = {
    "domain-ntlm-off": {
        "ntlm-off-member:samba-ad-member": {"ntlm-accepted-own-accounts"},
        "ntlm-off-domain:samba-ad-member": {"ntlm-accepted", "ntlm-accepted-by-dc", "spn-not-validated"},
    },
    "domain-rc4-off": {
        "rc4-off:samba-ad-member": {"rc4-tickets"},
        "rc4-off:samba-ad-member-rc4": {"rc4-tickets", "rc4-service-ticket"},
        "aes-machine-account+rc4-off:samba-ad-member": {"rc4-tickets"},
        "aes-machine-account+rc4-off:samba-ad-member-rc4": {"rc4-tickets", "rc4-service-ticket"},
    },
    "domain-protected-users": {},
}


@pytest.mark.parametrize("name", LOST)
def test_it_comes_out_as_claimed(domain_lab: LocalLab, pool: Pool, tmp_path: Path, name: str) -> None:
    made = planner.from_scripts(CATALOGUE, name, [scenario.find(CATALOGUE, name)], probes=name in SHUT)
    result = carry_out(tmp_path / "run", made, Stage(domain_lab), pool)
    assert result.complete
    assert [f"{one.cell}: {one.effect} {one.cause}" for one in result.cells if not one.expected] == []
    assert all(one.restored for one in result.cells if one.effect is not Effect.NEVER)
    lost = [one for one in result.cells if one.effect is Effect.LOST]
    ends = {
        (one.cell.mitigation, str(one.phases[Phase.APPLIED].step), one.phases[Phase.APPLIED].status)
        for one in lost
    }
    assert ends == LOST[name]
    shut: dict[str, set[str]] = {}
    for hole in result.exposures:
        if (hole.state(Phase.BASELINE), hole.state(Phase.APPLIED)) in CLOSED:
            shut.setdefault(f"{hole.mitigation}:{hole.server}", set()).add(hole.exposure)
    assert shut == SHUT.get(name, {})


def test_by_quic_the_name_decides(domain_lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """Who comes by QUIC gets in by the name that the certificate is for, and by no other (docs/quic.md)."""
    who = ("smbclient-4.25-quic", "windows-11-24h2", "windows-10-22h2")
    checks = ("open-by-name", "open-by-alias", "open-by-address")
    selector = f"quic-relay-only:samba-ad-member:{','.join(who)}:{','.join(checks)}"
    result = conduct(tmp_path / "run", [selector], Stage(domain_lab), pool)
    ends = {
        (one.cell.client, one.cell.check): (str(made.step), made.status)
        for one in result.cells
        if (made := one.phases[Phase.APPLIED]).outcome is not Outcome.OK
    }
    other = ("tls", "CERTIFICATE_NAME_MISMATCH")
    assert ends == {
        (who[0], checks[1]): other,
        (who[0], checks[2]): ("quic-connect", "STATUS_PORT_NOT_SET"),
        (who[1], checks[1]): other,
        (who[1], checks[2]): other,
        **dict.fromkeys(((who[2], check) for check in checks), ("connect", "RESET")),
    }
    assert [one.cell for one in result.cells if one.restored is False] == []
