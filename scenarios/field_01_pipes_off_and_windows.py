"""The workaround for CVE-2017-7494, and Windows that lists the shares.

A report said that ``nt pipe support = no`` "prevents access to IPC$". It stops one step later: the tree
connect of IPC$ succeeds, and the pipe srvsvc is refused. Opening a share by its path and writing there go on.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), nt pipe support",
    servers=["samba-4.13", "samba-4.17"],
    mitigations=["nt-pipe-support-off"],
    clients=["windows-7", "windows-10-1703", "windows-11-23h2"],
    checks=["browse", "open", "write"],
    claims=[
        Claim("*:*:*:browse", said=Effect.LOST),
        Claim("*:*:*:open,write", said=Effect.KEPT),
    ],
)
