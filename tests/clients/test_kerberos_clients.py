"""What the clients with tickets are told, and what is asked of a KDC in the name of those that cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from impacket.krb5 import asn1, crypto
from pyasn1.codec.der import decoder, encoder

from harness.clients import _kerberos, _service_ticket, smbclient
from harness.clients import _process as process
from harness.clients._process import Invocation
from harness.clients._ran import Ran
from harness.clients.aiosmb_kerberos import AiosmbKerberos
from harness.clients.base import Client, ClientSetting, attempt
from harness.clients.impacket_kerberos import ImpacketKerberos
from harness.clients.smbclient_kerberos import SmbclientKerberos
from harness.errors import LabFault
from harness.model import Check, Domain, Outcome, Step, StepName, Target
from harness.smb.kerberos.tickets import ticket_in
from harness.smb.tap.kdc_trace import Question, Tickets, read

DOMAIN = Domain("LAB.TEST", "LAB", "127.20.0.1", "files.lab.test", "alias.lab.test", "service.lab.test")
CLIENT = SmbclientKerberos("smbclient-kerberos", "trixie", "4.22")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "tmp").mkdir()
    return Target(
        "127.20.0.2", "data", "alice", "secret", roots=(("trixie", ("chroot", str(tmp_path))),), domain=DOMAIN
    )


@pytest.mark.parametrize(("ntlm", "word"), [(True, "desired"), (False, "required")])
def test_what_smbclient_is_told(
    monkeypatch: pytest.MonkeyPatch, target: Target, ntlm: bool, word: str
) -> None:
    asked: list[Invocation] = []
    conf: list[str] = []

    def run(_: str, invocation: Any, there: Target, *more: object) -> Ran:
        assert not more
        asked.append(invocation(4450))
        inside = asked[-1].env["KRB5_CONFIG"]
        conf.append(Path(there.root("trixie"), inside.lstrip("/")).read_text(encoding="utf-8"))
        raise LabFault("that is enough")

    monkeypatch.setattr(process, "version_of", lambda _: "Version 4.22.6-Debian")
    monkeypatch.setattr(process, "through_tap", run)
    made = attempt(CLIENT, Check.OPEN_BY_ALIAS, target, replace(CLIENT.policy, ntlm=ntlm))
    assert made.outcome is Outcome.FAULT
    (call,) = asked
    assert [one for one in call.argv if "kerberos" in one] == [f"--option=client use kerberos={word}"]
    assert {"--option=realm=LAB.TEST", "//alias.lab.test/data", "LAB\\alice"} <= set(call.argv)
    assert target.password not in " ".join(call.argv)
    assert "udp_preference_limit = 1" in conf[0]
    assert "kdc = tcp/127.0.0.1:" in conf[0]
    # Its folder, with the tickets in it, is gone with the attempt.
    assert not [*Path(target.root("trixie"), "tmp").iterdir()]


def test_only_a_client_with_tickets_can_do_without_ntlm(
    monkeypatch: pytest.MonkeyPatch, target: Target
) -> None:
    monkeypatch.setattr(process, "version_of", lambda _: "Version 4.22.6-Debian")
    plain = smbclient.Smbclient()
    without = replace(plain.policy, ntlm=False)
    assert ClientSetting.BLOCK_NTLM in CLIENT.has - plain.has
    assert attempt(plain, Check.OPEN, target, without).outcome is Outcome.UNSUPPORTED


@pytest.mark.parametrize("client", [CLIENT, ImpacketKerberos(), AiosmbKerberos()], ids=lambda one: one.name)
def test_outside_a_domain_they_do_nothing(target: Target, client: Client) -> None:
    made = attempt(client, Check.OPEN, replace(target, domain=None), client.policy)
    assert (made.outcome, made.note) == (
        Outcome.UNSUPPORTED,
        "the server is in no domain: there is no Kerberos",
    )


def test_a_lab_without_the_image_is_a_fault(target: Target) -> None:
    with (
        pytest.raises(LabFault, match="no image forky"),
        _kerberos.settings(target, "forky", 88),
    ):
        pass


def test_a_library_that_got_no_ticket_was_refused_it(monkeypatch: pytest.MonkeyPatch, target: Target) -> None:
    """aiosmb asks before it connects: no connection is what it comes to."""

    def refused(*_: object) -> None:
        raise OSError("KDC_ERR_S_PRINCIPAL_UNKNOWN")

    step = Step(StepName.KERBEROS_TGS, "KDC_ERR_S_PRINCIPAL_UNKNOWN", 1.0)
    monkeypatch.setattr(_service_ticket, "fetch", refused)
    monkeypatch.setattr(_kerberos, "tickets", lambda _: Tickets((step,)))
    monkeypatch.setattr(_kerberos, "PORT", 0)
    made = attempt(AiosmbKerberos(), Check.OPEN_BY_ADDRESS, target, AiosmbKerberos.policy)
    assert (made.outcome, made.step, made.status) == (Outcome.REFUSED, step.name, step.status)


@pytest.mark.parametrize("etype", [17, 18, 23])
def test_a_request_for_a_ticket_is_protected_by_a_checksum(etype: int) -> None:
    """What Samba's KDC wants, and impacket 0.13.1 leaves out."""
    cipher, key = crypto._enctype_table[etype], crypto.Key(etype, bytes(range(16 if etype != 18 else 32)))
    request = _service_ticket.request(ticket_in(_as_reply(), key), "files.lab.test")
    assert read(request) == Question(StepName.KERBEROS_TGS, "", "cifs/files.lab.test", (18, 17, 23))
    asked = decoder.decode(request, asn1Spec=asn1.TGS_REQ())[0]
    shown = decoder.decode(bytes(asked["padata"][0]["padata-value"]), asn1Spec=asn1.AP_REQ())[0]
    plain = cipher.decrypt(key, 7, bytes(shown["authenticator"]["cipher"]))
    proof = decoder.decode(plain, asn1Spec=asn1.Authenticator())[0]
    # The body stands in the request behind its own tag, [4]; the checksum is of it alone.
    body = encoder.encode(asked["req-body"])
    inner = body[2 if body[1] < 0x80 else 2 + (body[1] & 0x7F) :]
    made = bytes(proof["cksum"]["checksum"])
    crypto.verify_checksum(int(proof["cksum"]["cksumtype"]), key, 6, inner, made)


def _as_reply() -> Any:
    """An AS-REP that was recorded: see test_kerberos."""
    recorded = json.loads((Path(__file__).parents[1] / "smb" / "kdc_messages.json").read_text())
    return decoder.decode(bytes.fromhex(recorded["as-rep"]), asn1Spec=asn1.AS_REP())[0]


def test_a_ticket_keeps_its_keys_to_itself() -> None:
    assert "secret" not in repr(_service_ticket.ServiceTicket(b"secret", "secret", "secret"))
