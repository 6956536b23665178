"""The Network window is empty after SMB1 has gone.

Network was filled by NetBIOS browsing, whose list of servers is given over SMB1 alone. Opening the server by
its name and listing its shares is another thing, and stays. WS-Discovery, served beside Samba, brings the
server back.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of Windows 10 and Kodi; Microsoft, SMBv1 is not installed by default in Windows",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off", "smb1-server-off+ws-discovery-on"],
    clients=["windows-10-22h2", "windows-10-1703", "libsmbclient"],
    checks=["browse", "open", "discover"],
    claims=[
        Claim("*:*:*:browse,open", said=Effect.KEPT),
        Claim("smb1-server-off:*:windows-10-1703:discover", said=Effect.LOST),
        Claim(
            "smb1-server-off:*:windows-10-22h2:discover",
            said=Effect.LOST,
            measured=Effect.NEVER,
            because="this Windows came without SMB1: it did not see the server in Network before either",
        ),
        Claim("smb1-server-off+ws-discovery-on:*:windows-10-1703:discover", said=Effect.KEPT),
        Claim("smb1-server-off+ws-discovery-on:*:windows-10-22h2:discover", said=Effect.GAINED),
    ],
)
