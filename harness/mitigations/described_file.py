"""A mitigation as a TOML file: its shape, what may stand in it, and how a mistake in it is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from harness.errors import UsageError
from harness.mitigations.base import Expectation
from harness.model import Dialect
from harness.servers import allowed, left_out
from harness.servers.base import parameter_key
from harness.servers.live import How
from harness.system import files
from harness.system.registry import nearest
from harness.system.toml_file import Place, Table, load, mistake

HINT = "See: docs/adding-a-mitigation.md"

Who = Literal["LM", "NTLMv1", "NTLMv2", "guest", "anonymous"]
"""As whom somebody comes: how an account proves itself, or without one."""
Answer = Literal["accepted", "refused"]
Demand = Literal["required", "not required"]

_DIALECTS = {"SMB1": Dialect.NT1} | {
    name: dialect for dialect in Dialect for name in (dialect.value, dialect.in_words, dialect.in_smb_conf)
}


def _dialect(value: object) -> Dialect:
    if isinstance(value, str) and value in _DIALECTS:
        return _DIALECTS[value]
    near = nearest(str(value), _DIALECTS) if isinstance(value, str) else []
    meant = f"; did you mean {near[0]!r}?" if near else ""
    names = ", ".join(["SMB1", *list(Dialect)[1:]])
    raise ValueError(f"must be a dialect ({names}), not {files.brief(value)}{meant}")


def _setting(value: object) -> str:
    """What stands behind a parameter of smb.conf(5)."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be text, a whole number, true or false, not {files.brief(value)}")
    if _BREAKS.search(value) or value.endswith("\\"):
        raise ValueError("must be one line, which does not go on in the next (\\)")
    return value.strip()


_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PARAMETER = re.compile(r"[A-Za-z][^=\[\]#;\x00-\x1f\x7f]*")

_Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
_Dialect = Annotated[Dialect, BeforeValidator(_dialect)]
_Settings = dict[str, Annotated[str, BeforeValidator(_setting)]]
_Whom = Annotated[list[Who], Field(min_length=1)]
_Cipher = Literal["AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"]
_Ciphers = Annotated[list[_Cipher], Field(min_length=1)]


class Dialects(Table):
    """Which dialects the server speaks with the change."""

    oldest: _Dialect | None = None
    newest: _Dialect | None = None


class Whom(Table):
    """As whom somebody comes through with the change, and as whom not."""

    accepted: _Whom | None = None
    refused: _Whom | None = None


class Ciphers(Table):
    """Which ciphers the server agrees to with the change, at SMB 3.1.1."""

    accepted: _Ciphers | None = None
    refused: _Ciphers | None = None


class Look(Table):
    """What shows that the change is in force: all that is named must be so."""

    dialect: Dialects | None = None
    auth: Whom | None = None
    """As whom the server lets somebody log on at all."""
    signing: Demand | None = None
    encryption: Demand | None = None
    cipher: Ciphers | None = None
    pipe: Answer | None = None
    """Whether a named pipe opens: srvsvc."""
    browse: Whom | None = None
    """As whom the list of shares is had."""
    open: Whom | None = None
    """As whom the share is opened by its path."""
    write: Whom | None = None
    """As whom a file is written into the share."""
    share_option: _Settings | None = None
    """Parameters of the share as the running server reads them; nothing of that is seen on the wire."""


class ClientSettings(Table):
    """What is set on clients. Each can be made in the one direction that hardens."""

    smb1: Literal[False] | None = None
    require_signing: Literal[True] | None = None
    guest: Literal[False] | None = None


class Expected(Table):
    text: _Text
    source: _Text


class MitigationFile(Table):
    """The whole file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = ""
    title: _Text
    how: Literal["restart", "reload"] = "restart"
    aims: list[_Text] = Field([], max_length=100)
    stops: str = ""
    expectation: Expected
    global_: _Settings = Field(default_factory=dict, alias="global")
    share: _Settings = Field(default_factory=dict)
    shares: dict[str, _Settings] = Field(default_factory=dict)
    client: ClientSettings = ClientSettings()
    look: Look = Look()


@dataclass(frozen=True, slots=True)
class Described:
    """A mitigation that was read and found right."""

    name: str
    title: str
    how: How
    aims: tuple[str, ...]
    stops: str
    expectation: Expectation
    globals: Mapping[str, str]
    share: Mapping[str, str]
    shares: Mapping[str, Mapping[str, str]]
    client: ClientSettings
    look: Look

    @property
    def on_server(self) -> bool:
        """Whether it changes something of a server."""
        return bool(self.globals or self.share or self.shares)


def _refusal(place: Place, name: str, value: str) -> str:
    """Why a setting cannot stand there; "" where it can."""
    if not _PARAMETER.fullmatch(name):
        return f"{files.brief(name)} is no name of a parameter of smb.conf(5)"
    setting = files.brief(f"{name} = {value}")
    if why := allowed.refusal(name, value):
        near = (
            [] if parameter_key(name) in left_out.judged() else get_close_matches(name.lower(), _KNOWN, n=1)
        )
        meant = f"; did you mean {near[0]!r}?" if near and near[0] != name.lower() else ""
        return f"{setting} cannot be set: it {why}{meant}"
    if place != ("global",) and not allowed.of_shares(name):
        return f"{setting} belongs into [global]: a share has no such parameter"
    return ""


_KNOWN = (*allowed.RULES, *allowed.SYNONYMS)


def read(path: Path) -> Described:
    """The mitigation of a file. Raises UsageError: which line, and what is wrong there."""
    found = load(path, MitigationFile, HINT)

    def wrong(place: Place, what: str) -> UsageError:
        return mistake(path, files.text(path), place, what, HINT)

    tables: dict[Place, Mapping[str, str]] = {("global",): found.global_, ("share",): found.share}
    tables |= {("shares", name): settings for name, settings in found.shares.items()}
    for place, settings in {**tables, ("look", "share-option"): found.look.share_option or {}}.items():
        for name in settings:
            if what := _refusal(place, name, settings[name]):
                raise wrong((*place, name), what)
    for name in found.shares:
        if name.lower() in ("global", ""):
            raise wrong(("shares", name), f"{files.brief(name)} is no share; [global] is a table of its own")
    client = found.client.model_fields_set
    if not any(tables.values()) and not client:
        raise wrong((), "nothing is changed: a mitigation has [global], [share], [shares.NAME] or [client]")
    if found.look.model_fields_set and not any(tables.values()):
        raise wrong(("look",), "look: is for changes of a server; what clients do is looked for by itself")
    for name in found.look.model_fields_set:
        if isinstance(table := getattr(found.look, name), Table) and not table.model_fields_set:
            raise wrong(("look", name), f"look.{name}: names nothing to look for")
    made = found.name or path.name.removesuffix(".toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", made):
        raise wrong((), f"{files.brief(made)} is no name of letters, digits, dots, hyphens: write name = …")
    return Described(
        name=made,
        title=found.title,
        how=How[found.how.upper()],
        aims=tuple(found.aims),
        stops=found.stops,
        expectation=Expectation(found.expectation.text, found.expectation.source),
        globals=found.global_,
        share=found.share,
        shares=found.shares,
        client=found.client,
        look=found.look,
    )
