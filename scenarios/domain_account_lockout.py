"""Accounts locked after wrong passwords: a service locks its user out.

Ten tries of the service and the account is locked, for NTLM and for Kerberos, with the right password too.
Other accounts notice nothing. Windows can delay each failed logon (SMB authentication rate limiter, 2 s),
which locks nobody out; Samba has no such delay.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="Microsoft, Account lockout threshold; measured with Samba 4.22",
    servers=["samba-ad-member"],
    mitigations=["account-lockout"],
    clients=[
        "smbclient-as-service",
        "smbclient-kerberos-as-service",
        "smbclient",
        "smbclient-kerberos",
        "windows-10-22h2",
    ],
    checks=["open-by-name"],
    claims=[
        Claim("*:*:*-as-service:*", said=Effect.LOST),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
