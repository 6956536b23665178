"""Certificates by which the machines of a cluster know each other, and the authority that signs them.

Elliptic keys (P-256) and X.509 by the library ``cryptography``. Scheduler, workers, and whoever starts a run
show a certificate of this authority; names of machines are not looked at, so one certificate serves all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.errors import LabFault, UsageError

AUTHORITY, AUTHORITY_KEY, CERTIFICATE, KEY = "ca.pem", "ca.key", "cluster.pem", "cluster.key"
"""Files of the folder. The authority's key is needed for more certificates alone: no machine gets it."""
DAYS = 365


def make(folder: Path, days: int = DAYS) -> list[Path]:
    """A certificate in ``folder``, with an authority of its own where the folder has none; the files written.

    Raises UsageError where there is a certificate already, LabFault where it cannot be written.
    """
    if (folder / CERTIFICATE).exists():
        raise UsageError(
            f"{folder} has a certificate already",
            f"name another folder, or remove its {CERTIFICATE} and {KEY}",
        )
    if (folder / AUTHORITY).exists() != (folder / AUTHORITY_KEY).exists():
        raise UsageError(
            f"{folder} has {AUTHORITY} or {AUTHORITY_KEY} and not both",
            "both are needed to sign a certificate",
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = []
        if not (folder / AUTHORITY).exists():
            authority_key = ec.generate_private_key(ec.SECP256R1())
            authority = _signed("smb-rehearsal cluster authority", authority_key, authority_key, None, days)
            written += [_write(folder / AUTHORITY_KEY, _key(authority_key), 0o600)]
            written += [_write(folder / AUTHORITY, authority.public_bytes(serialization.Encoding.PEM), 0o644)]
        authority_key, authority = _authority(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        made = _signed("smb-rehearsal cluster", key, authority_key, authority, days)
        written += [_write(folder / KEY, _key(key), 0o600)]
        return [*written, _write(folder / CERTIFICATE, made.public_bytes(serialization.Encoding.PEM), 0o644)]
    except OSError as error:
        raise LabFault(f"{folder}: {error.strerror or error}", "name another folder") from error


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        key = serialization.load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
        authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
    except (ValueError, TypeError) as error:
        raise UsageError(f"{folder}: {AUTHORITY} and {AUTHORITY_KEY} cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{folder / AUTHORITY_KEY}: is no elliptic key, as this program makes them")
    return key, authority


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    days: int,
) -> x509.Certificate:
    """A certificate for ``key``, signed ``by`` the authority; without one it is the authority itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of machines differ.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(_usage(signs=authority is None), critical=True)
        .add_extension(identifier(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    return built.sign(by, hashes.SHA256())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> Path:
    """A new file that was never open to more than ``mode`` says."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    return path
