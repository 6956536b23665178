"""The PowerShell scripts with their contracts: which parameters go in, which JSON comes out.

Parameters and answers are models, so that a script and its caller cannot drift apart unseen: the tests hold
each script's ``param(...)`` and answer against them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.remote.powershell import A, Answer, O, Order, Script
from harness.system import resources
from harness.windows.changes import Setting, Value

RECORDS = "C:\\ProgramData\\smb-rehearsal"
"""Where a guest keeps what was there before each change."""


class _Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _script(name: str, order: type[O], answer: type[A]) -> Script[O, A]:
    text = resources.path("windows", "scripts", f"{name}.ps1").read_text("utf-8")
    return Script(name, text, order, answer)


# -- facts ----------------------------------------------------------------------------------------------


class FactsOrder(Order):
    folder: str = RECORDS


class ServiceTexts(_Part):
    """What sc.exe says of a service, as it says it; None where it could not be asked."""

    query: str | None
    config: str | None


class DriverFile(_Part):
    version: Annotated[tuple[int, ...], Field(min_length=4, max_length=4)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class FactsAnswer(Answer):
    caption: str
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    revision: int | None
    """The update's number behind the build, from Windows 10 on."""
    booted: str
    powershell: str
    server_configuration: str | None
    """Get-SmbServerConfiguration as a list; None on a Windows that has no such cmdlet. The same below."""
    client_configuration: str | None
    features: str | None
    """Those of SMB1."""
    services: dict[str, ServiceTexts]
    registry: dict[str, str | None]
    """What ``reg.exe query`` says of the keys of server, client and lsa."""
    drivers: dict[str, DriverFile]
    """By file name; those that are not there are not SMB1's any more."""
    guest_enabled: bool | None
    reboot_pending: bool
    records: tuple[str, ...]
    """The changes that are made and not taken back, oldest first: ``side-mitigation``."""


FACTS = _script("facts", FactsOrder, FactsAnswer)


# -- changes --------------------------------------------------------------------------------------------


class ChangeOrder(Order):
    action: Literal["apply", "revert"]
    name: str
    settings: tuple[Setting, ...]
    folder: str = RECORDS


class SettingSeen(_Part):
    kind: str
    name: str
    before: Value
    after: Value


class ChangeAnswer(Answer):
    settings: tuple[SettingSeen, ...]


CHANGE = _script("change", ChangeOrder, ChangeAnswer)


# -- the lab's own --------------------------------------------------------------------------------------


class ShareOrder(Order):
    user: str
    password: Annotated[str, Field(repr=False)]
    share: str
    path: str


class ShareAnswer(Answer):
    share: str
    path: str


SHARE = _script("share", ShareOrder, ShareAnswer)


class ServiceOrder(Order):
    action: Literal["start", "stop", "restart"]
    name: str


class ServiceAnswer(Answer):
    status: str


SERVICE = _script("service", ServiceOrder, ServiceAnswer)


class RebootOrder(Order):
    really: bool


class RebootAnswer(Answer):
    booted: str
    """When it booted last, before this reboot."""


REBOOT = _script("reboot", RebootOrder, RebootAnswer)


# -- the client -----------------------------------------------------------------------------------------


class ProbeOrder(Order):
    check: Literal["browse", "open", "write"]
    address: str
    share: str
    user: str
    password: Annotated[str, Field(repr=False)]
    file: str
    seconds: int
    folder: str = RECORDS


class Operation(_Part):
    """One thing that the probe asked of Windows. ``code``: the Win32 error, 0 when it went well."""

    name: Literal["tcp", "connect", "enumerate", "list", "create", "write", "read", "delete"]
    code: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    ms: float


class Event(_Part):
    log: str
    id: int
    message: str


class ProbeAnswer(Answer):
    operations: tuple[Operation, ...]
    shares: int
    """How many shares the server listed."""
    connection: str | None
    """Get-SmbConnection as a list, where that Windows has it."""
    events: tuple[Event, ...]
    records: tuple[str, ...]
    """As those of the facts: which changes are made while it probes."""


PROBE = _script("probe", ProbeOrder, ProbeAnswer)

SCRIPTS = (FACTS, CHANGE, SHARE, SERVICE, REBOOT, PROBE)
"""All of them, for whoever checks them all."""
