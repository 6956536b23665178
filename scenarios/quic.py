"""SMB over QUIC, and TCP port 445 closed: who still connects, and by which name.

Beside TCP it takes nothing away: Windows goes on with TCP while that works. With TCP closed only clients that
have QUIC are left (Windows 11 and Server 2025, emulated; smbclient from 4.23 on where it is told to, real),
and these only by the name in the certificate: by IP address and by an alias they are out, and by a
certificate that they do not trust, that is another server's, or whose time is over, all of them.

smbd has no QUIC of its own here: a relay of the lab speaks it.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="Microsoft, SMB over QUIC; smb.conf(5), client smb transports; measured with Samba 4.25",
    servers=["samba-ad-member"],
    mitigations=["quic-relay", "quic-relay-only"],
    clients=["smbclient-4.25-quic", "smbclient", "windows-11-24h2", "windows-server-2025", "windows-10-22h2"],
    checks=["open-by-name", "open-by-alias", "open-by-address"],
    includes=["quic-certificates"],
    claims=[
        Claim("*:*:smbclient-4.25-quic:open-by-name", said=Effect.GAINED),
        Claim("*:*:smbclient-4.25-quic:*", said=Effect.NEVER),
        Claim("quic-relay:*:*:*", said=Effect.KEPT),
        Claim("quic-relay-only:*:windows-11-24h2,windows-server-2025:open-by-name", said=Effect.KEPT),
        Claim("quic-relay-only:*:*:*", said=Effect.LOST),
    ],
)
