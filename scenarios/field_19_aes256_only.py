"""Only AES-256, alone and together with encryption that is required.

Windows 10 and Linux offer AES-128 alone. The ciphers by themselves cost them nothing, for they go on without
encryption; together with encryption required they are lost, which neither part announces.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), server smb3 encryption algorithms",
    servers=["samba-4.22"],
    mitigations=["aes256-only", "aes256-only+encryption-required"],
    clients=["windows-10-22h2", "linux-cifs", "windows-11-23h2"],
    checks=["open"],
    claims=[
        Claim("aes256-only:*:*:*", said=Effect.KEPT),
        Claim("aes256-only+encryption-required:*:windows-10-22h2,linux-cifs:*", said=Effect.LOST),
        Claim("aes256-only+encryption-required:*:windows-11-23h2:*", said=Effect.KEPT),
    ],
)
