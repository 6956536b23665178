"""smbclient -L complains about SMB1, and works.

The last lines of its list speak of NT_STATUS_INVALID_NETWORK_RESPONSE and of SMB1: they are about the list of
workgroups, which needs SMB1. The list of shares stands above them.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of smbclient",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off"],
    clients=["smbclient", "smbclient-4.13", "samba-smbclient-4.10"],
    checks=["browse"],
    claims=[
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
