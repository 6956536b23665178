"""The word SMB3 in smb.conf means SMB 3.1.1.

"server min protocol = SMB3" reads as if it let in everybody with SMB 3. smb.conf(5) says that SMB3 selects
the SMB3_11 variant, so clients with SMB 3.0 and 3.0.2, like Windows 8.1, are refused. SMB3_00 lets them in.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), server max protocol",
    servers=["samba-4.13", "samba-4.22"],
    mitigations=["smb3-only", "smb3-alias", "smb311-only"],
    clients=["linux-cifs-4.13", "windows-8.1", "windows-10-1703", "smbclient"],
    checks=["open"],
    claims=[
        Claim("*:*:windows-10-1703,smbclient", said=Effect.KEPT),
        Claim("smb3-only:*:linux-cifs-4.13,windows-8.1", said=Effect.KEPT),
        Claim("smb3-alias,smb311-only:*:linux-cifs-4.13,windows-8.1", said=Effect.LOST),
    ],
)
