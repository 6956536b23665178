"""NTLMv1 off, and one PC of many that still answers with it.

Its LmCompatibilityLevel was set below 3 for some old device, and forgotten. Its user reads that the password
is wrong, and types it again. What brings it back is the policy of that PC, not the server's.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="a report of smbd's log: NTLMv1 over SMB2 of one PC; Microsoft, LmCompatibilityLevel",
    servers=["samba-4.22-smb1"],
    mitigations=["ntlmv2-only"],
    clients=["windows-10-ntlmv1", "windows-10-22h2"],
    checks=["open"],
    claims=[
        Claim("*:*:windows-10-ntlmv1:*", said=Effect.LOST),
        Claim("*:*:windows-10-22h2:*", said=Effect.KEPT),
    ],
)
