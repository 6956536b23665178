"""SMB 2.1 as the minimum, instead of 2.0.2.

A vendor's default of ``server min protocol = SMB2_10`` had to be taken back for printers that speak SMB 2.0.2
alone. Windows Vista stands for them here.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of printers; smb.conf(5), server min protocol",
    servers=["samba-4.17"],
    mitigations=["smb21-minimum"],
    clients=["windows-vista", "windows-7"],
    checks=["open"],
    claims=[
        Claim("*:*:windows-vista:*", said=Effect.LOST),
        Claim("*:*:windows-7:*", said=Effect.KEPT),
    ],
)
