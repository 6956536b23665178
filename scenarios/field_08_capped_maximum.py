"""A network disk set to "SMB1 to SMB2", and clients that want more.

``server max protocol = SMB2_02`` hardens nothing, but disks are set so: Linux offers 2.1 and newer alone and
is refused, Windows still offers 2.0.2 and stays.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of Linux and network disks; mount.cifs(8), vers",
    servers=["samba-4.22-smb1"],
    mitigations=["smb202-maximum"],
    clients=["linux-cifs", "macos-13", "windows-11-23h2"],
    checks=["open"],
    claims=[
        Claim("*:*:linux-cifs:*", said=Effect.LOST),
        Claim("*:*:windows-11-23h2,macos-13:*", said=Effect.KEPT),
    ],
)
