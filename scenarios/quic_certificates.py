"""SMB over QUIC alone, with a good certificate and with three bad ones.

With the good one Windows 11 and Server 2025 stay, and smbclient that is told to use QUIC; a copier, older
Windows, macOS, Linux and the programs that know TCP alone are out. With a bad one everybody is, at the step
``tls``, by the client's own decision.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="Microsoft, SMB over QUIC (prerequisites); measured with Samba 4.22 and smbclient 4.25",
    servers=["samba-4.22-smb1"],
    mitigations=[
        "quic-relay-only",
        "quic-relay-only-untrusted",
        "quic-relay-only-other-name",
        "quic-relay-only-outdated",
    ],
    clients=[
        "smbclient-4.25-quic",
        "smbclient-4.25",
        "impacket",
        "windows-11-24h2",
        "windows-server-2025",
        "windows-7",
        "macos-13",
        "linux-cifs",
        "office-scanner",
    ],
    checks=["browse", "write"],
    claims=[
        Claim("quic-relay-only:*:smbclient-4.25-quic:*", said=Effect.GAINED),
        Claim("*:*:smbclient-4.25-quic:*", said=Effect.NEVER),
        Claim("quic-relay-only:*:windows-11-24h2,windows-server-2025:*", said=Effect.KEPT),
        Claim("*:*:*:*", said=Effect.LOST),
    ],
)
