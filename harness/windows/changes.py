"""What a mitigation changes on Windows: ``data/changes/<mitigation>.toml``, one file each.

A file holds ways; a way says for which builds it is, for the server or the client side, which settings it
sets, whether that needs a reboot, and which document says so. Where no way fits, the reason is in the file
too. Applying is the same for all (``scripts/change.ps1``): it writes down what was there before, and
reverting sets that again.
"""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from harness.model import Side
from harness.system import resources
from harness.windows.releases import SCRIPTED, Release

FOLDER = resources.path("windows", "data", "changes")

Value = StrictBool | StrictInt | StrictStr | None
"""Of a setting; None where there is none, e.g. no such registry value."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Setting(_Strict):
    """One thing to set."""

    kind: Literal["smb-server", "smb-client", "registry", "feature", "service", "guest-account"]
    """A parameter of Set-SmbServerConfiguration or Set-SmbClientConfiguration, a registry value, an optional
    feature's state, a service's start and dependencies, whether the account Guest is enabled."""
    name: str
    """Of the parameter, value, feature or service."""
    value: Value = None
    """For a service: its start, or start and dependencies as sc.exe has them: "auto bowser/mrxsmb20/nsi"."""
    path: str = ""
    """Of a registry value: its key, as PowerShell writes it (HKLM:\\...)."""
    type: Literal["", "DWord", "String"] = ""
    """Of a registry value."""

    def met_by(self, seen: Value) -> bool:
        """Whether what is there is what this sets. A service's dependencies count where they are named."""
        if self.kind == "service" and isinstance(self.value, str) and isinstance(seen, str):
            return seen == self.value or (" " not in self.value and seen.startswith(self.value + " "))
        if self.kind == "feature" and self.value == "Disabled":
            # What was removed from the disk is disabled too (Microsoft, Get-WindowsOptionalFeature).
            return seen in ("Disabled", "DisabledWithPayloadRemoved")
        # 1 is not True here: a registry value is no switch of a cmdlet.
        return type(seen) is type(self.value) and seen == self.value

    @model_validator(mode="after")
    def _registry_has_a_place(self) -> Setting:
        if (self.kind == "registry") != bool(self.path and self.type):
            raise ValueError("a registry value has path and type, nothing else has")
        return self


class Way(_Strict):
    """How the change is made on some builds."""

    side: Side
    first: int = 0
    """The first build that it is for."""
    last: int = 0
    """The last one; 0: no end."""
    settings: Annotated[tuple[Setting, ...], Field(min_length=1)]
    reboot: bool
    source: Annotated[str, Field(min_length=10)]

    def has(self, build: int) -> bool:
        """Whether this way is for that build."""
        return self.first <= build and (not self.last or build <= self.last)


class Gap(_Strict):
    """Builds for which there is no way, and why."""

    side: Side
    first: int = 0
    last: int = 0
    reason: Annotated[str, Field(min_length=10)]

    def has(self, build: int) -> bool:
        """Whether that build has no way."""
        return self.first <= build and (not self.last or build <= self.last)


class Change(_Strict):
    """Everything about one mitigation on Windows."""

    way: tuple[Way, ...] = ()
    gap: tuple[Gap, ...] = ()


class NoWayError(Exception):
    """This change cannot be made on that Windows; the text says why."""


@cache
def changes() -> dict[str, Change]:
    """Every change there is on Windows, by its mitigation. Raises ValueError for a file that is wrong."""
    found = {}
    for entry in sorted(FOLDER.iterdir(), key=lambda one: one.name):
        name = entry.name.removesuffix(".toml")
        if name != entry.name:
            try:
                found[name] = Change.model_validate(tomllib.loads(entry.read_text("utf-8")))
            except (tomllib.TOMLDecodeError, ValidationError) as error:
                raise ValueError(f"{entry.name}: {error}") from error
    return found


def way(name: str, side: Side, build: int) -> Way:
    """How a mitigation is made on a side of a Windows of that build. Raises NoWayError with the reason."""
    change = changes().get(name)
    if change is None:
        raise NoWayError(f"{name} has no way to be made on Windows")
    found = next((one for one in change.way if one.side is side and one.has(build)), None)
    if found is not None:
        return found
    why = next((one.reason for one in change.gap if one.side is side and one.has(build)), "")
    raise NoWayError(why or f"{name} has no way to be made on a Windows {side} of build {build}")


def way_for(name: str, side: Side, release: Release) -> Way:
    """The same for a release: by the first build that it may have. Raises NoWayError."""
    if release not in SCRIPTED:
        raise NoWayError(f"nothing can be run in {release.title}: it cannot have PowerShell 3.0")
    return way(name, side, release.first)
