"""The credentials of one lab: an SSH key pair that replaces the one that the boxes bring along."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.errors import LabFault
from harness.labs.writing import writing


@dataclass(frozen=True, slots=True)
class LabKey:
    """An SSH key pair."""

    private: Path
    """The file of the private key, readable by us alone."""
    public: str
    """One line of authorized_keys (sshd(8))."""


def make(folder: Path) -> LabKey:
    """A new Ed25519 key in ``folder``, which is made. Raises LabFault when it cannot be written."""
    key = Ed25519PrivateKey.generate()
    path = folder / "id_ed25519"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
    return LabKey(path, _public(key))


def load(path: Path) -> LabKey:
    """A key that ``make`` made. Raises LabFault when it cannot be read."""
    try:
        key = serialization.load_ssh_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise LabFault(f"{path} is no key: {error}", "rehearse destroy, then up again") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LabFault(f"{path} is a key of another kind", "rehearse destroy, then up again")
    return LabKey(path, _public(key))


def _public(key: Ed25519PrivateKey) -> str:
    form = serialization.PublicFormat.OpenSSH
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, form)
    return f"{public.decode()} smb-rehearsal lab"
