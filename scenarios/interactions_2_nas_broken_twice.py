"""SMB1 removed and guests refused break a guest's network disk twice.

The disk speaks SMB1 only, so a client without SMB1 finds no dialect; and everybody is a guest on it, so
nobody logs on where guests are refused. Taking back one of both brings nobody home. The same share over SMB2,
as after a new firmware, needs no SMB1, and still breaks by the second: by the server, or by the client
itself, as Windows does by default today (over SMB1 it does not, so that this is not asked of the disk).
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="Microsoft, KB4046019 and 'SMBv1 is not installed by default'",
    servers=["consumer-nas", "guest-share"],
    mitigations=["smb1-client-off", "guest-off", "smb1-client-off+guest-off", "guest-client-off"],
    clients=["windows-10-1703", "windows-7"],
    checks=["open"],
    claims=[
        Claim("guest-off,smb1-client-off+guest-off", said=Effect.LOST),
        Claim("smb1-client-off:consumer-nas", said=Effect.LOST),
        Claim("smb1-client-off:guest-share", said=Effect.KEPT),
        Claim("guest-client-off:guest-share", said=Effect.LOST),
    ],
)
