"""SMB 3.1.1, and a client that signs nothing.

Nobody set a policy: over 3.1.1 every client must sign its tree connect, whatever the server demands of the
rest. The same client gets in over 3.0.2.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of libsmb2 and smbprotocol; [MS-SMB2] 3.2.4.1.1",
    servers=["samba-4.22"],
    mitigations=["none", "smb302-maximum"],
    clients=["libsmb2-player-2021", "libsmb2-player", "pysmb"],
    checks=["open"],
    claims=[
        Claim("none:*:libsmb2-player-2021:*", said=Effect.NEVER),
        Claim("smb302-maximum:*:libsmb2-player-2021:*", said=Effect.GAINED),
        Claim("*:*:libsmb2-player,pysmb:*", said=Effect.KEPT),
    ],
)
