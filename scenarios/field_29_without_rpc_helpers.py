"""A newer Samba without its RPC helper programs, and an empty list of shares.

From 4.16 on srvsvc is served by samba-dcerpcd and its helpers. Where they are not started, the list of shares
is refused although no access rule was changed; shares opened by their path stay.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of upgrades to Samba 4.16 and newer; samba-dcerpcd(8)",
    servers=["samba-4.17"],
    mitigations=["rpc-helpers-off"],
    clients=["smbclient", "windows-10-22h2"],
    checks=["browse", "open"],
    claims=[Claim("*:*:*:browse", said=Effect.LOST), Claim("*:*:*:open", said=Effect.KEPT)],
)
