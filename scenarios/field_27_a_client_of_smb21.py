"""A tablet that smbstatus shows with SMB2_10 and HMAC-SHA256.

What is known of it is a dialect and that it signed. Windows 7 stands for it here: its offer ends with that
dialect. A client that stops at SMB 2.1 survives SMB1 switched off and signing required, and nothing newer.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="a smbstatus of Samba with an Android tablet",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off", "signing-required", "smb3-only", "smb311-only"],
    clients=["windows-7"],
    checks=["open"],
    claims=[
        Claim("smb1-server-off,signing-required:*:*:*", said=Effect.KEPT),
        Claim("smb3-only,smb311-only:*:*:*", said=Effect.LOST),
    ],
)
