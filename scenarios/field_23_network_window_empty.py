"""The Network window is empty after SMB1 has gone.

The list of servers went with SMB1 and NetBIOS and is now WS-Discovery's and mDNS's task. Opening the
server by its name and listing its shares is another thing, and stays.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of Windows 10 and Kodi; Microsoft, SMBv1 is not installed by default in Windows",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off"],
    clients=["windows-10-22h2", "libsmbclient"],
    checks=["browse", "open"],
    claims=[
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
