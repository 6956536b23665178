"""Encryption required, a client of SMB 2.1, and libraries.

What cannot encrypt is refused after the logon went well: the cause is encryption, not the password.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), server smb encrypt",
    servers=["samba-4.22-smb1"],
    mitigations=["encryption-required", "share-encryption-required"],
    clients=["windows-7", "windows-10-22h2", "node-smb2", "pysmb", "libsmb2", "rclone", "smbprotocol"],
    checks=["open"],
    claims=[
        Claim("*:*:windows-7,node-smb2,pysmb:*", said=Effect.LOST),
        Claim("*:*:windows-10-22h2,smbprotocol:*", said=Effect.KEPT),
    ],
)
