"""A change of an emulated Windows server in the words of Windows: in PowerShell what smb.conf(5) says.

The commands are Microsoft's documents' (``harness.windows.changes`` says which); none was run here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.servers.base import Conf
from harness.servers.parameters import said
from harness.servers.platform import Doing, Say
from harness.windows.changes import Setting
from harness.windows.commands import command

LSA: Final = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa"
LANMAN_SERVER: Final = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters"
_DIALECTS: Final = {
    "smb2_02": "None",
    "smb2_10": "SMB210",
    "smb3_00": "SMB300",
    "smb3_02": "SMB302",
    "smb3_11": "SMB311",
    "smb3": "SMB311",
    "smb2": "SMB210",
}
_CACHING: Final = {"disable": "None", "documents": "Documents", "programs": "Programs"}


def doings(before: Conf, after: Conf, say: Say) -> Iterator[Doing]:
    """The change as an administrator of Windows makes it; nothing where Windows has no such setting."""
    old, new = _server(before.globals), _server(after.globals)
    do = [command(one) for key, one in new.items() if old.get(key) != one]
    undo = [command(one) for key, one in old.items() if new.get(key) != one]
    for name in after.sections:
        was = _share({**before.sections.get(name, {}), **before.share})
        now = _share({**after.sections[name], **after.share})
        do += [_set_share(name, key, now[key]) for key in now if was[key] != now[key]]
        undo += [_set_share(name, key, was[key]) for key in now if was[key] != now[key]]
    if do:
        key = "settings.on_windows"
        yield Doing(say(key), tuple(do), tuple(undo), say(f"{key}_back"), "powershell")


def _server(settings: Mapping[str, str]) -> dict[str, Setting]:
    """What [global] is on Windows: parameter -> the setting."""

    def value(name: str, default: str) -> str:
        found = said(settings, name)
        return found.value if found else default

    least, most = value("server min protocol", "smb2_02"), value("server max protocol", "smb3_11")
    encrypt = value("smb encrypt", "")
    ciphers = said(settings, "server smb3 encryption algorithms")
    newest = most in ("smb3_11", "smb3", "nt1")
    made: dict[str, bool | int | str] = {
        "Smb2DialectMin": _DIALECTS.get(least, "None"),
        "Smb2DialectMax": "None" if newest else _DIALECTS.get(most, "None"),
        "EnableSMB1Protocol": least == "nt1",
        "EnableSMB2Protocol": most != "nt1",
        "RequireSecuritySignature": value("server signing", "") == "mandatory",
        "EncryptData": encrypt in ("required", "desired"),
    }
    if encrypt:
        made["RejectUnencryptedAccess"] = encrypt == "required"
    if ciphers:
        made["EncryptionCiphers"] = ciphers.value.upper().replace("-", "_")
    found = {name: Setting(kind="smb-server", name=name, value=one) for name, one in made.items()}
    level = {"ntlmv2-only": 5, "ntlmv1-permitted": 3}.get(value("ntlm auth", ""))
    if level:
        found["level"] = _registry(LSA, "LmCompatibilityLevel", level)
    restricted = int(value("restrict anonymous", "0") == "2")
    found["null"] = _registry(LANMAN_SERVER, "RestrictNullSessAccess", restricted)
    guests = value("map to guest", "never") == "bad user"
    found["guest"] = Setting(kind="guest-account", name="Guest", value=guests)
    return found


def _registry(path: str, name: str, value: int) -> Setting:
    return Setting(kind="registry", path=path, name=name, type="DWord", value=value)


def _share(settings: Mapping[str, str]) -> dict[str, str]:
    """What a share's section is on Windows: parameter of Set-SmbShare -> its value."""

    def value(name: str) -> str:
        found = said(settings, name)
        return found.value if found else ""

    return {
        "EncryptData": "$true" if value("smb encrypt") in ("required", "desired") else "$false",
        "FolderEnumerationMode": "AccessBased" if value("hide unreadable") == "yes" else "Unrestricted",
        "CachingMode": _CACHING.get(value("csc policy"), "Manual"),
    }


def _set_share(name: str, parameter: str, value: str) -> str:
    quoted = name.replace("'", "''")
    return f"Set-SmbShare -Name '{quoted}' -{parameter} {value} -Force"
