"""Named pipes off leaves the list of shares open over SMB1.

RAP lists the shares too. It speaks to \\PIPE\\LANMAN by an SMB1 transaction, which nt pipe support does not
switch off (Samba's source, smb1_ipc.c), so that an old smbclient goes on listing. Whoever wants the listing
gone must switch SMB1 off as well.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

SCENARIO = Scenario(
    source="Samba's source, source3/smbd/smb1_ipc.c",
    servers=["samba-4.22-smb1", "sles11-like"],
    mitigations=["nt-pipe-support-off", "smb1-server-off", "nt-pipe-support-off+smb1-server-off"],
    clients=["samba-smbclient-3", "windows-7"],
    checks=["browse"],
    claims=[
        Claim("nt-pipe-support-off:*:samba-smbclient-3", said=Effect.KEPT),
        Claim("nt-pipe-support-off:*:windows-7", said=Effect.LOST),
        Claim("smb1-server-off:*:samba-smbclient-3", said=Effect.LOST),
        Claim("smb1-server-off:*:windows-7", said=Effect.KEPT),
        Claim("nt-pipe-support-off+smb1-server-off", said=Effect.LOST),
    ],
    closes=[Closes("smb1-server-off,nt-pipe-support-off+smb1-server-off:*:rap-listing")],
)
