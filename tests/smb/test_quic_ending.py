"""What a QUIC connection ended with is one of a few statuses, whatever the other side says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.smb.quic import ending

SAMBA = "TLS source4/lib/tls/tls_tstream.c:1414 - check failed for verify_peer[ca_and_name] and "
SAMBA += "peer_name[files.example.test] status"


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        # aioquic 1.7.2, measured.
        (298, "unable to get local issuer certificate", ending.NOT_TRUSTED),
        (298, "self-signed certificate", ending.NOT_TRUSTED),
        (298, "hostname 'a.test' doesn't match DNSPattern(pattern=b'b.test')", ending.OTHER_NAME),
        (301, "Certificate is no longer valid", ending.EXPIRED),
        # Alerts without a word (RFC 8446 6.2): certificate_expired, unknown_ca, no_application_protocol.
        (0x100 + 45, "", ending.EXPIRED),
        (0x100 + 48, "", ending.NOT_TRUSTED),
        (0x100 + 120, "", "TLS_ALERT_120"),
        # No alerts (RFC 9000 20.1).
        (0, "", None),
        (0x0A, "unable to get local issuer certificate", None),
        (0x200, "", None),
    ],
)
def test_an_alert_is_told(code: int, reason: str, status: str | None) -> None:
    assert ending.of_alert(code, reason) == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        # smbclient 4.25.1, measured.
        (f"{SAMBA} 0x42 (invalid signer_not_found )", ending.NOT_TRUSTED),
        (f"{SAMBA} 0x4002 (invalid unexpected_owner )", ending.OTHER_NAME),
        (f"{SAMBA} 0x402 (invalid expired )", ending.EXPIRED),
        ("do_connect: Connection to files.example.test failed (Error NT_STATUS_CONNECTION_REFUSED)", None),
    ],
)
def test_smbclients_words_are_told(said: str, status: str | None) -> None:
    assert ending.of_words(said) == status


@given(st.integers(-(2**62), 2**62), st.text())
def test_any_ending_has_a_status_or_is_none_of_tls(code: int, reason: str) -> None:
    status = ending.of_alert(code, reason)
    assert (status is not None) == (0x100 <= code < 0x200)
    assert status in (None, *ending.OF_CERTIFICATES, f"TLS_ALERT_{code - 0x100}")
