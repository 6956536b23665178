"""Today's hardening on each packaged Samba.

The same leap in the dark as in 2017, with today's switches. Nobody made a claim: whatever is lost is
reported as a loss that was not expected.
"""

from harness.scenario import Scenario

SCENARIO = Scenario(
    servers=["samba-4.13", "samba-4.17", "samba-4.22", "samba-4.25"],
    mitigations=["ntlmv2-only", "signing-required", "encryption-required", "guest-off", "smb3-only"],
    clients=["windows-10-1703", "windows-7", "smbclient", "smbprotocol"],
    checks=["browse", "open"],
)
