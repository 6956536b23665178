"""Events of Windows as their XML, for tests."""

from __future__ import annotations

SMB_SERVER, SMB_CLIENT = "Microsoft-Windows-SMBServer", "Microsoft-Windows-SMBClient"
NTLM, SECURITY = "Microsoft-Windows-NTLM", "Microsoft-Windows-Security-Auditing"
LOGS = {
    SMB_SERVER: f"{SMB_SERVER}/Audit",
    SMB_CLIENT: "Microsoft-Windows-SmbClient/Audit",
    NTLM: "Microsoft-Windows-NTLM/Operational",
    SECURITY: "Security",
}


def xml(
    number: int, provider: str, data: dict[str, str], *, when: str = "2025-10-01T10:00:00.1234567Z"
) -> str:
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{provider}'/><EventID>{number}</EventID><TimeCreated SystemTime='{when}'/>"
        f"<Channel>{LOGS.get(provider, 'System')}</Channel><Computer>FS01.example.test</Computer></System>"
        f"<EventData>{values}</EventData></Event>"
    )
