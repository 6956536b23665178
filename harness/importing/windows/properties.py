"""The properties of a Windows server and its shares that say something to clients, and their values.

Sources: Microsoft, "Set-SmbServerConfiguration" (Windows Server 2025) and "MSFT_SmbShare class" (the numbers
of enumerations, as ConvertTo-Json writes them). The numbers of dialects are those of [MS-SMB2] 2.2.3; that
None is 0, 65535 or 65536 there is from outputs that people have published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from harness.errors import UsageError
from harness.model import Dialect
from harness.system.files import brief
from harness.system.registry import nearest

Setting = bool | int | str | None
Read = Callable[[object], Setting]
"""Raises ValueError, saying what is expected."""
ANY: Final = "None"
"""No limit of dialects."""
_DIALECTS: Mapping[str, str] = MappingProxyType(
    {
        **{f"smb{number}": f"SMB{number}" for number in ("202", "210", "300", "302", "311")},
        "514": "SMB202",
        "528": "SMB210",
        "768": "SMB300",
        "770": "SMB302",
        "785": "SMB311",
        **dict.fromkeys(("none", "0", "65535", "65536"), ANY),
    }
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "SMB202": Dialect.SMB2_02,
        "SMB210": Dialect.SMB2_10,
        "SMB300": Dialect.SMB3_00,
        "SMB302": Dialect.SMB3_02,
        "SMB311": Dialect.SMB3_11,
    }
)
CIPHERS: Final = ("AES_128_GCM", "AES_128_CCM", "AES_256_GCM", "AES_256_CCM")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _truth(value: object) -> bool:
    word = str(value).strip().lower().removeprefix("$")
    if word not in ("true", "false", "1", "0"):
        raise ValueError("True or False")
    return word in ("true", "1")


def _number(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}", word := str(value).strip(), re.ASCII):
        raise ValueError("a number")
    return int(word)


def _text(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.strip()


def _dialect(value: object) -> str:
    found = _DIALECTS.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"{', '.join(DIALECTS)} or None")
    return found


def _ciphers(value: object) -> str:
    """Their order counts: it is that of preference."""
    words = [word for word in re.split(r"[\s,]+", _text(value).upper().replace("-", "_")) if word]
    if strange := [word for word in words if word not in CIPHERS]:
        raise ValueError(f"{', '.join(CIPHERS)}, and not {brief(strange[0])}")
    return ", ".join(dict.fromkeys(words))


def _one_of(*words: str) -> Read:
    def read(value: object) -> str:
        said = str(value).strip()
        found = next((one for one in words if said.lower() == one.lower()), "")
        if not found and said.isdecimal() and said.isascii() and len(said) < 3 and int(said) < len(words):
            found = words[int(said)]
        if not found:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return found

    return read


LEVEL: Final = "LmCompatibilityLevel"
GUEST: Final = "GuestAccountEnabled"
NULL_SESSIONS: Final = "RestrictNullSessAccess"
BESIDE: Final = (LEVEL, GUEST, NULL_SESSIONS)
"""What Get-SmbServerConfiguration does not tell, and decides who gets in: they may stand in the file, too."""
OF_SERVERS: Mapping[str, Read] = MappingProxyType(
    {
        "AnnounceComment": _text,
        "DisableCompression": _truth,
        "EnableLeasing": _truth,
        "EnableMultiChannel": _truth,
        "EnableOplocks": _truth,
        "EnableSecuritySignature": _truth,
        "EnableSMB1Protocol": _truth,
        "EnableSMB2Protocol": _truth,
        "EnableSMBQUIC": _truth,
        "EncryptData": _truth,
        "EncryptionCiphers": _ciphers,
        "NullSessionPipes": _text,
        "NullSessionShares": _text,
        "RejectUnencryptedAccess": _truth,
        "RequestCompression": _truth,
        "RequireSecuritySignature": _truth,
        "Smb2DialectMax": _dialect,
        "Smb2DialectMin": _dialect,
        "SmbServerNameHardeningLevel": _number,
        LEVEL: _number,
        GUEST: _truth,
        NULL_SESSIONS: _truth,
    }
)
"""Those that change what clients can do, by Windows' own names."""
OF_SHARES: Mapping[str, Read] = MappingProxyType(
    {
        "CachingMode": _one_of("None", "Manual", "Documents", "Programs", "BranchCache", "Unknown"),
        "CompressData": _truth,
        "ConcurrentUserLimit": _number,
        "ContinuouslyAvailable": _truth,
        "Description": _text,
        "EncryptData": _truth,
        "FolderEnumerationMode": _one_of("AccessBased", "Unrestricted"),
        "LeasingMode": _one_of("Full", "Shared", "None"),
        "Name": _text,
        "SecurityDescriptor": _text,
        "ShareState": _one_of("Pending", "Online", "Offline"),
        "ShareType": _one_of(
            "FileSystemDirectory",
            "PrintQueue",
            "CommunicationDevice",
            "InterprocessCommunication",
            "DirectoryOfPrinters",
        ),
        "Special": _truth,
    }
)
_OF_SERVERS_ELSE: Final = _words(
    """
    AnnounceServer AsynchronousCredits AuditClientCertificateAccess AuditClientDoesNotSupportEncryption
    AuditClientDoesNotSupportSigning AuditInsecureGuestLogon AuditSmb1Access AutoDisconnectTimeout
    AutoDisconnectTimeoutInMinutesV1 AutoDisconnectTimeoutInSecondsV2 AutoShareServer AutoShareWorkstation
    CachedOpenLimit DisableSmbEncryptionOnSecureConnection DurableHandleV2TimeoutInSeconds
    EnableAuthRateLimiter
    EnableAuthenticateUserSharing EnableDirectoryHandleLeasing EnableDownlevelTimewarp EnableForcedLogoff
    EnableMailslots EnableStrictNameChecking InvalidAuthenticationDelayTimeInMs IrpStackSize KeepAliveTime
    MaxChannelPerSession MaxMpxCount MaxSessionPerConnection MaxThreadsPerQueue MaxWorkItems OplockBreakWait
    PendingClientTimeoutInSeconds RestrictNamedpipeAccessViaQuic ServerHidden Smb2CreditsMax Smb2CreditsMin
    TreatHostAsStableStorage ValidateAliasNotCircular ValidateShareScope ValidateShareScopeNotAliased
    ValidateTargetName
"""
)
_OF_SHARES_ELSE: Final = _words(
    """
    AvailabilityType CATimeout ClusterType CurrentUsers DirectoryHandleLeasing IdentityRemoting Infrastructure
    IsolatedTransport Path QoSFlowScope QoSPolicyId Scoped ScopeName ShadowCopy SmbInstance Temporary Volume
"""
)
_OF_POWERSHELL: Final = _words(
    """
    CimClass CimInstanceProperties CimSystemProperties PresetPathAcl PSComputerName PSShowComputerName
    RunspaceId
"""
)
"""What objects of PowerShell carry beside their properties."""
_OWN: Final = {name.lower() for name in (*OF_SERVERS, *_OF_SERVERS_ELSE)}
_OWN_SHARES: Final = {name.lower() for name in (*OF_SHARES, *_OF_SHARES_ELSE)}
_COMMON: Final = {name.lower() for name in _OF_POWERSHELL}


def is_server(names: Iterable[str]) -> bool:
    """Whether properties are those of a server's configuration; EncryptData is one of shares, too."""
    said = {name.lower() for name in names}
    return bool(said & (_OWN - _OWN_SHARES)) or ("encryptdata" in said and "name" not in said)


def is_share(names: Iterable[str]) -> bool:
    """Whether properties are those of a share."""
    said = {name.lower() for name in names}
    return "name" in said and bool(said & (_OWN_SHARES - _OWN - {"name"}))


def unknown(names: Iterable[str], *, shares: bool = False) -> list[str]:
    """The names that no Windows that is known here has."""
    own = _OWN_SHARES if shares else _OWN
    return [name for name in names if name.lower() not in own | _COMMON]


def read(told: Mapping[str, object], known: Mapping[str, Read], where: str) -> dict[str, Setting]:
    """The properties that count, by Windows' own names. Raises UsageError for a value that is none."""
    names = {name.lower(): name for name in known}
    found: dict[str, Setting] = {}
    for said, value in told.items():
        if (name := names.get(said.lower())) and value not in (None, ""):
            found[name] = one(name, value, known, f"{where}{said}")
    return found


def one(name: str, value: object, known: Mapping[str, Read], where: str) -> Setting:
    """One value. Raises UsageError naming ``where``, what stands there and what is expected."""
    try:
        return known[name](value)
    except ValueError as error:
        shown = brief(str(value) if isinstance(value, str) else value)
        raise UsageError(f"{where} is {shown}, where {error} is expected") from None


def named(word: str, known: Mapping[str, Read], *, shares: bool = False) -> str:
    """Windows' own spelling of a property's name. Raises UsageError for one that changes nothing here."""
    found = next((name for name in known if name.lower() == word.lower()), "")
    if found:
        return found
    if word.lower() in (_OWN_SHARES if shares else _OWN):
        raise UsageError(f"{word} changes nothing that a client in the lab could show: it is not rehearsed")
    of = "a share" if shares else "a Windows server"
    near = nearest(word, known)
    raise UsageError(
        f"{brief(word)} is no property of {of} that is known here",
        f"did you mean {near[0]}?" if near else f"as Windows names them: {', '.join([*known][:6])}…",
    )
