"""Today's hardening on each packaged Samba.

The same leap in the dark as in 2017, with today's switches: NTLMv2 only, signing, encryption, no guests,
SMB 3 only. Microsoft and Samba say that Windows 7 has neither SMB 3 nor encryption (smb.conf(5): SMB2_10 is
Windows 7; server smb encrypt needs Windows 8); everybody else should notice nothing.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5)",
    servers=["samba-4.13", "samba-4.17", "samba-4.22", "samba-4.25"],
    mitigations=["ntlmv2-only", "signing-required", "encryption-required", "guest-off", "smb3-only"],
    clients=["windows-10-1703", "windows-7", "smbclient", "smbprotocol"],
    checks=["browse", "open"],
    claims=[
        Claim("encryption-required,smb3-only:*:windows-7", said=Effect.LOST),
        Claim("*:*:windows-10-1703,smbclient,smbprotocol", said=Effect.KEPT),
        Claim("ntlmv2-only,signing-required,guest-off:*:windows-7", said=Effect.KEPT),
    ],
)
