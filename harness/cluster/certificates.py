"""Certificates by which the machines of a cluster know each other, and the authority that signs them.

Scheduler, workers, and whoever starts a run show a certificate of this authority; names of machines are not
looked at, so one certificate serves all.
"""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.errors import LabFault, UsageError
from harness.system import trust
from harness.system.certificates import new_key, pem, pem_of_key, signed, write

AUTHORITY, AUTHORITY_KEY, CERTIFICATE, KEY = "ca.pem", "ca.key", "cluster.pem", "cluster.key"
"""Files of the folder. The authority's key is needed for more certificates alone: no machine gets it."""
DAYS = 365
MOST_DAYS = 36500
"""A hundred years."""


def check(folder: Path) -> None:
    """Raises LabFault unless what a machine of a cluster needs is there, is ours alone, and is of its time.

    Who can read its key or change its authority can run programs as whoever uses it.
    """
    for name in (AUTHORITY, CERTIFICATE, KEY):
        path = folder / name
        if not path.is_file():
            raise LabFault(
                f"{path}: there is no such file, and a cluster is reached with a certificate alone",
                f"make one (rehearse cluster certificates {folder}), or copy your cluster's there",
            )
        try:
            trust.check(path)
        except UsageError as error:
            raise LabFault(error.message, error.hint) from error
        if name == KEY and path.stat().st_mode & stat.S_IROTH:
            raise LabFault(f"{path}: everybody can read it, so that it is not used", f"chmod o-r {path}")
    for name in (AUTHORITY, CERTIFICATE):
        _of_its_time(folder / name)


def _of_its_time(path: Path) -> None:
    """Raises LabFault for a certificate that is none, or is not valid today."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (ValueError, OSError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no certificate"
        raise LabFault(
            f"{path}: its certificate cannot be used: {what}", "copy your cluster's there"
        ) from error
    now = datetime.now(UTC)
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    if now > ends:
        raise LabFault(
            f"{path}: has expired on {ends:%Y-%m-%d}",
            "make a new one, for all machines: rehearse help cluster",
        )
    if now < begins:
        raise LabFault(f"{path}: is valid from {begins:%Y-%m-%d %H:%M} UTC on", "is the clock right?")


def make(folder: Path, days: int = DAYS) -> list[Path]:
    """A certificate in ``folder``, with an authority of its own where the folder has none; the files written.

    Raises UsageError where there is a certificate already, LabFault where it cannot be written.
    """
    if days > MOST_DAYS:
        raise UsageError(f"--days {days}: a certificate is valid for {MOST_DAYS} days at most")
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
            authority_key = new_key()
            authority = signed("smb-rehearsal cluster authority", authority_key, authority_key, None, days)
            written += [write(folder / AUTHORITY_KEY, pem_of_key(authority_key), 0o600)]
            written += [write(folder / AUTHORITY, pem(authority), 0o644)]
        authority_key, authority = _authority(folder)
        key = new_key()
        made = signed("smb-rehearsal cluster", key, authority_key, authority, days)
        written += [write(folder / KEY, pem_of_key(key), 0o600)]
        return [*written, write(folder / CERTIFICATE, pem(made), 0o644)]
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
