"""Row 1 again: "the Samba server vanished from Network", and what brings it back.

The article lost the server from Network when SMB1 was removed from Windows 10. Network was filled by NetBIOS
browsing, which needs SMB1: on the client for its Computer Browser, on the server for the list that it gives.
Newer Windows looks by WS-Discovery, which Samba itself does not answer; wsdd beside it does. What is shown
can be opened only where client and server still have a dialect in common: the SLES 11 of the article has none
with a Windows without SMB1, and is shown in vain. (Of a server that speaks SMB1 and newer:
field-23-network-window-empty.)

nmbd takes about 20 s until it is the master browser, so the scenario ``article`` leaves this one out.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="the article, row 1",
    servers=["sles11-like"],
    mitigations=["smb1-client-off", "ws-discovery-on", "smb1-client-off+ws-discovery-on"],
    clients=["windows-xp", "windows-10-1703", "windows-11-24h2"],
    checks=["discover", "open"],
    claims=[
        Claim("smb1-client-off:*:windows-10-1703:*", said=Effect.LOST),
        Claim("ws-discovery-on:*:windows-xp,windows-10-1703:*", said=Effect.KEPT),
        Claim("*ws-discovery-on:*:windows-11-24h2:discover", said=Effect.GAINED),
        Claim("*ws-discovery-on:*:windows-11-24h2:open", said=Effect.NEVER),
        Claim("smb1-client-off+ws-discovery-on:*:*:discover", said=Effect.KEPT),
        Claim("smb1-client-off+ws-discovery-on:*:windows-10-1703:open", said=Effect.LOST),
    ],
)
