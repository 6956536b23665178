"""This year's switches in a domain, one by one and together: member and controller.

NTLM off and no RC4 in the domain, signing and encryption required by the server. Each costs somebody else:
the first whoever comes without a ticket, encryption whoever has no SMB 3 (Windows 7: smb.conf(5), server smb
encrypt). Signing costs nobody, and a Samba domain controller requires it by itself. Whoever comes by name
with a ticket and SMB 3 notices nothing of all of them together.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

ALL = "encryption-required+ntlm-off-domain+rc4-off+signing-required"

SCENARIO = Scenario(
    source="smb.conf(5), server smb encrypt, server signing, ntlm auth, kdc supported enctypes",
    servers=["samba-ad-member", "samba-ad-dc"],
    mitigations=["ntlm-off-domain", "rc4-off", "signing-required", "encryption-required", ALL],
    clients=[
        "smbclient-kerberos",
        "smbclient",
        "windows-7",
        "windows-10-22h2",
        "windows-11-24h2",
        "macos-13",
    ],
    checks=["open-by-name"],
    claims=[
        Claim(f"ntlm-off-domain,{ALL}:*:smbclient:*", said=Effect.LOST),
        Claim(f"encryption-required,{ALL}:*:windows-7:*", said=Effect.LOST),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
    closes=[
        Closes(f"ntlm-off-domain,{ALL}:*:ntlm-accepted,ntlm-accepted-by-dc"),
        Closes(f"rc4-off,{ALL}:*:rc4-tickets"),
        Closes(f"signing-required,{ALL}:*:smb2-signing-not-required,dc-signing-not-required"),
        Closes(f"encryption-required,{ALL}:*:encryption-not-required"),
    ],
)
