"""A newer Samba and the same smb.conf, its helper programs included.

From 4.16 on the list of shares is served by samba-dcerpcd and its helpers. Where the package brings them, an
upgrade from 4.13 to 4.17 changes nothing for who connects.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="WHATSNEW of Samba 4.16",
    servers=["samba-4.13"],
    mitigations=["release-upgrade"],
    clients=["smbclient", "windows-10-22h2"],
    checks=["browse", "open"],
    claims=[Claim("*:*:*:*", said=Effect.KEPT)],
)
