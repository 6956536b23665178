"""The settings of a change as commands that an administrator copies. Nothing here is run."""

from __future__ import annotations

from typing import Final

from harness.windows.changes import Setting

RESTART: Final = "_restart"
"""Behind the key of words about commands: a restart belongs to them."""


def command(one: Setting) -> str:
    """A setting in PowerShell 3.0 or later. The text of a value stands in single quotes."""
    match one.kind:
        case "smb-server" | "smb-client":
            cmdlet = "Server" if one.kind == "smb-server" else "Client"
            return f"Set-Smb{cmdlet}Configuration -{one.name} {_value(one)} -Force"
        case "registry":
            place = f"-Path '{one.path}' -Name {one.name}"
            if one.value is None:
                return f"Remove-ItemProperty {place}"
            return f"New-ItemProperty {place} -PropertyType {one.type} -Value {_value(one)} -Force"
        case "feature":
            verb = "Disable" if one.value == "Disabled" else "Enable"
            return f"{verb}-WindowsOptionalFeature -Online -FeatureName {one.name} -NoRestart"
        case "service":
            start, _, depends = str(one.value).partition(" ")
            return f"sc.exe config {one.name} start= {start}{f' depend= {depends}' if depends else ''}"
        case "guest-account":
            # Enable-LocalUser came with PowerShell 5.1 (build 14393); this is on every Windows.
            return f"net.exe user {one.name} /active:{'yes' if one.value else 'no'}"


def _value(one: Setting) -> str:
    if isinstance(one.value, bool):
        return "$true" if one.value else "$false"
    return str(one.value) if isinstance(one.value, int) else f"'{one.value}'"
