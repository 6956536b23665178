"""Secure channels sealed again: a member that cannot is cut off from NTLM alone.

Samba's domain controllers since 4.17 take a member's secure channel only sealed, and with AES
(CVE-2022-38023). Where that was switched off for an old member, switching it on again takes NTLM from that
member: it can ask nobody whether a proof is right. Who comes with a ticket stays. Members at Samba's
defaults notice nothing, for they seal.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), server schannel require seal; Microsoft, KB5021130; measured with Samba 4.22",
    servers=["samba-ad-member-unsealed", "samba-ad-member"],
    mitigations=["netlogon-sealed"],
    clients=["smbclient-kerberos", "smbclient", "windows-10-22h2"],
    checks=["open-by-name"],
    claims=[
        Claim("*:samba-ad-member-unsealed:smbclient:*", said=Effect.LOST),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
