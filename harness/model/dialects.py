"""The dialects of SMB."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """The SMB dialects by the names of [MS-SMB2] 1.7 and [MS-CIFS] 1.7."""

    NT1 = "NT LM 0.12"
    SMB2_02 = "2.0.2"
    SMB2_10 = "2.1"
    SMB3_00 = "3.0"
    SMB3_02 = "3.0.2"
    SMB3_11 = "3.1.1"

    @property
    def in_words(self) -> str:
        """As people say it: SMB1, SMB 2.1."""
        return "SMB1" if self is Dialect.NT1 else f"SMB {self}"

    @property
    def in_smb_conf(self) -> str:
        """As smb.conf(5), "server max protocol", and Samba's programs say it: NT1, SMB2_10.

        Its SMB3 means the newest 3.x (measured: 3.1.1), which is none of these.
        """
        return self.name

    @property
    def revision(self) -> int:
        """The 16-bit DialectRevision of [MS-SMB2] 2.2.4; 0 for SMB1."""
        return _REVISIONS[self]

    @classmethod
    def from_revision(cls, revision: int) -> Dialect:
        """The dialect of a DialectRevision. Raises KeyError for one that [MS-SMB2] does not know."""
        return _BY_REVISION[revision]


_REVISIONS = {
    Dialect.NT1: 0,
    Dialect.SMB2_02: 0x0202,
    Dialect.SMB2_10: 0x0210,
    Dialect.SMB3_00: 0x0300,
    Dialect.SMB3_02: 0x0302,
    Dialect.SMB3_11: 0x0311,
}


_BY_REVISION = {revision: dialect for dialect, revision in _REVISIONS.items()}
