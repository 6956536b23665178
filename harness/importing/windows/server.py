"""A Windows server's configuration as [global] of a Samba that is to answer as it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.errors import UsageError
from harness.importing.source import shown
from harness.importing.windows.properties import (
    ANY,
    CIPHERS,
    DIALECTS,
    GUEST,
    LEVEL,
    NULL_SESSIONS,
    Setting,
)
from harness.model import Dialect
from harness.servers.allowed import refusal
from harness.servers.brought import Instead
from harness.windows.releases import Release

Settings = Mapping[str, Setting]
DEFAULTS: Settings = {
    "EnableSMB1Protocol": False,
    "EnableSMB2Protocol": True,
    "EnableSecuritySignature": False,
    "RequireSecuritySignature": False,
    "EncryptData": False,
    "RejectUnencryptedAccess": True,
    NULL_SESSIONS: True,
    GUEST: False,
}
"""Of Windows Server 2019 and 2022 (Microsoft, "Set-SmbServerConfiguration", "SMB security enhancements")."""
_NTLMV2_ALONE: Final = 5
_HIGHEST_LEVEL: Final = 5
_DEFAULT_LEVEL: Final = 3
_AES_256: Final = 20348
_NO_NTLMV1: Final = 26100
"""Builds: Windows Server 2022; Windows 11 24H2 and Server 2025."""


def said(settings: Settings, name: str) -> Setting:
    """What a server says of a property, or what Windows does where it says nothing."""
    value = settings.get(name)
    return DEFAULTS.get(name) if value is None else value


def common(settings: Settings, file: str) -> dict[str, str]:
    """[global]. Raises UsageError for a server that nobody could connect to."""
    made = {**_dialects(settings, file), **_signing(settings)}
    if encrypted := encryption(said(settings, "EncryptData"), settings):
        made["smb encrypt"] = encrypted
    if (ciphers := settings.get("EncryptionCiphers")) and ciphers != ", ".join(CIPHERS):
        made["server smb3 encryption algorithms"] = str(ciphers).replace("_", "-")
    made["ntlm auth"] = "ntlmv2-only" if _level(settings, file) >= _NTLMV2_ALONE else "ntlmv1-permitted"
    if said(settings, NULL_SESSIONS):
        made["restrict anonymous"] = "2"
    if said(settings, GUEST):
        made["map to guest"] = "Bad User"
    for name, line in (
        ("EnableLeasing", "smb2 leases"),
        ("EnableMultiChannel", "server multi channel support"),
        ("EnableOplocks", "oplocks"),
        # testparm: "Level II oplocks can only be set if oplocks are also set".
        ("EnableOplocks", "level2 oplocks"),
    ):
        if settings.get(name) is False:
            made[line] = "no"
    comment = shown(str(settings.get("AnnounceComment", "")))
    if comment and not refusal("server string", comment):
        made["server string"] = comment
    return made


def encryption(demanded: Setting, settings: Settings) -> str:
    """What "smb encrypt" says where encryption is demanded; "" where it is not.

    [MS-SMB2] 3.3.5.5.3 and 3.3.5.7: with RejectUnencryptedAccess off, clients without encryption stay.
    """
    if not demanded:
        return ""
    return "required" if said(settings, "RejectUnencryptedAccess") else "desired"


def of_release(settings: Settings, release: Release | None) -> Settings:
    """A configuration with what that Windows does where it says nothing.

    Ciphers: Microsoft, "SMB security enhancements" (AES-256 since Windows Server 2022 and Windows 11;
    AES-128-GCM came with SMB 3.1.1).
    """
    if release is None:
        return settings
    made = dict(settings)
    made.setdefault("EnableSMB1Protocol", release.smb1)
    limit = next((name for name, dialect in DIALECTS.items() if dialect is release.highest), ANY)
    if release.highest is not Dialect.SMB3_11:
        made.setdefault("Smb2DialectMax", limit)
        made.setdefault("EncryptionCiphers", "AES_128_CCM")
    if release.first < _AES_256:
        made.setdefault("EncryptionCiphers", "AES_128_GCM, AES_128_CCM")
    made.setdefault(LEVEL, _NTLMV2_ALONE if release.first >= _NO_NTLMV1 else _DEFAULT_LEVEL)
    return made


def _dialects(settings: Settings, file: str) -> dict[str, str]:
    smb1, smb2 = said(settings, "EnableSMB1Protocol"), said(settings, "EnableSMB2Protocol")
    if not smb1 and not smb2:
        raise UsageError(
            f"{file}: EnableSMB1Protocol and EnableSMB2Protocol are both False: nobody connects to it"
        )
    if not smb2:
        return {"server min protocol": "NT1", "server max protocol": "NT1"}
    order = list(Dialect)
    least = DIALECTS.get(str(settings.get("Smb2DialectMin", ANY)), Dialect.SMB2_02)
    most = DIALECTS.get(str(settings.get("Smb2DialectMax", ANY)), Dialect.SMB3_11)
    if order.index(least) > order.index(most):
        raise UsageError(
            f"{file}: Smb2DialectMin {settings['Smb2DialectMin']} is newer than Smb2DialectMax "
            f"{settings['Smb2DialectMax']}: nobody connects to that server"
        )
    made = {"server min protocol": "NT1" if smb1 else least.in_smb_conf}
    if most is not Dialect.SMB3_11:
        made["server max protocol"] = most.in_smb_conf
    return made


def _signing(settings: Settings) -> dict[str, str]:
    """SMB2 heeds the demand alone; the other property is SMB1's (Microsoft, "Overview of SMB signing")."""
    if said(settings, "RequireSecuritySignature"):
        return {"server signing": "mandatory"}
    return {"server signing": "auto" if said(settings, "EnableSecuritySignature") else "disabled"}


def _level(settings: Settings, file: str) -> int:
    value = settings.get(LEVEL)
    if value is None:
        # Windows Server 2025 and Windows 11 24H2 have no NTLMv1 any more, and they alone tell this property.
        return _NTLMV2_ALONE if "Smb2DialectMin" in settings else _DEFAULT_LEVEL
    if isinstance(value, int) and value <= _HIGHEST_LEVEL:
        return value
    raise UsageError(f"{file}: {LEVEL} is {value}, where 0 to {_HIGHEST_LEVEL} is expected")


def instead(settings: Settings) -> Iterator[Instead]:
    """What of a server's configuration the lab cannot have, and what was done instead."""

    def of(name: str, done: str) -> Instead:
        return Instead("global", name, shown(str(settings.get(name, ""))), done)

    if LEVEL not in settings:
        new = "Smb2DialectMin" in settings
        yield of(
            LEVEL,
            "is not told: NTLMv2 alone is accepted, as by a Windows that has the property Smb2DialectMin "
            "(11 24H2, Server 2025: NTLMv1 was removed)"
            if new
            else "is not told: NTLMv1 and NTLMv2 are accepted, as Windows does at its default, level 3; a "
            "domain or a policy may say otherwise",
        )
    if GUEST not in settings:
        yield of(GUEST, "is not told: the account Guest is disabled, as Windows has it by default")
    if why := refusal("server string", shown(str(settings.get("AnnounceComment", "")))):
        yield of("AnnounceComment", why)
    smb1 = said(settings, "EnableSMB1Protocol") and said(settings, "EnableSMB2Protocol")
    least = str(settings.get("Smb2DialectMin", ANY))
    if smb1 and least not in (ANY, "SMB202"):
        yield of(
            "Smb2DialectMin",
            "is left out: with SMB1 allowed, a Samba accepts every dialect above it, SMB 2 too",
        )
    if said(settings, NULL_SESSIONS):
        yield of(
            NULL_SESSIONS,
            "is restrict anonymous = 2, which refuses IPC$ as a whole where Windows refuses single pipes",
        )
    if pipes := str(settings.get("NullSessionPipes", "")).strip(", "):
        yield of("NullSessionPipes", f"is left out: no pipe ({pipes}) is open to those without a name")
    for name in ("RequestCompression", "EnableSMBQUIC"):
        if settings.get(name):
            what = "compression" if name == "RequestCompression" else "SMB over QUIC"
            yield of(name, f"is left out: Samba has no {what}")
    if settings.get("SmbServerNameHardeningLevel"):
        yield of(
            "SmbServerNameHardeningLevel", "is left out: Samba does not check the name that a client asks for"
        )
