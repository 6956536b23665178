"""SMB1 switched off, and scripts that use curl.

curl's smb:// speaks SMB1 alone. Its message is a number and no word of SMB1.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="curl's smb:// offers NT LM 0.12 alone",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off"],
    clients=["curl"],
    checks=["open"],
    claims=[
        Claim("*:*:*:*", said=Effect.LOST),
    ],
)
