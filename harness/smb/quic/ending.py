"""Why no QUIC connection came about, as one status: what the client holds against the server's certificate.

TLS has alerts for it (RFC 8446 6.2), and a client may say more in words, as aioquic and Samba's do.
"""

from __future__ import annotations

import re
from typing import Final

NOT_TRUSTED: Final = "CERTIFICATE_NOT_TRUSTED"
"""Nobody whom the client trusts has signed the certificate."""
OTHER_NAME: Final = "CERTIFICATE_NAME_MISMATCH"
"""The certificate is for other names than the one by which the client calls the server."""
EXPIRED: Final = "CERTIFICATE_EXPIRED"
"""Its time is over, or has not begun."""
OF_CERTIFICATES: Final = (NOT_TRUSTED, OTHER_NAME, EXPIRED)

_CRYPTO_ERROR: Final = 0x100
"""RFC 9001 4.8: a connection that a TLS alert ends is closed with 0x100 and the number of that alert."""
_ALERTS: Final = {45: EXPIRED, 48: NOT_TRUSTED}
"""certificate_expired, unknown_ca."""
_SAID: Final = (
    # aioquic (tls.py, verify_certificate) and OpenSSL's X509_verify_cert_error_string(3).
    (re.compile(r"no longer valid|not valid yet|has expired|not yet valid"), EXPIRED),
    (re.compile(r"doesn't match|DNSMismatch|IPAddressMismatch|no names"), OTHER_NAME),
    (re.compile(r"issuer certificate|self.signed certificate|unable to verify|not trusted"), NOT_TRUSTED),
    # GnuTLS in Samba's client (source4/lib/tls/tls_tstream.c), measured with 4.25.
    (re.compile(r"\binvalid .*\b(?:expired|not_activated)\b"), EXPIRED),
    (re.compile(r"\binvalid .*\bunexpected_owner\b"), OTHER_NAME),
    (re.compile(r"\binvalid .*\bsigner_not"), NOT_TRUSTED),
)


def of_alert(code: int, reason: str) -> str | None:
    """The status of a connection that was closed with this code; None where no TLS alert closed it.

    ``TLS_ALERT_40`` and the like for alerts that are about something else than the certificate.
    """
    alert = code - _CRYPTO_ERROR
    if not 0 <= alert <= 0xFF:
        return None
    return of_words(reason) or _ALERTS.get(alert, f"TLS_ALERT_{alert}")


def of_words(said: str) -> str | None:
    """What a client's own words say of the certificate; None where they are about something else."""
    return next((status for words, status in _SAID if words.search(said)), None)
