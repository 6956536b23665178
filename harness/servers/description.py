"""The description of a configuration that was brought along, as a file: JSON that people may have edited.

What is read is checked as if a stranger had written it: nothing in a name or a value can become another line,
another section or another file of smb.conf(5), group(5) or passwd(5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import UsageError
from harness.model import Dialect
from harness.servers.allowed import refusal
from harness.servers.base import Conf, parameter_key
from harness.servers.brought import Account, Brought, Emulated, Instead
from harness.servers.platforms import named
from harness.system import files

SCHEMA: Final = 1
"""Which shape of the file this is."""
HINT: Final = "See: docs/your-server.md"

_LINE_ENDS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""What ends a line, or a text, for Samba or for who reads the file after it. A tab does not."""
_GLOBAL: Final = frozenset({"global", "globals"})
"""Names of [global] in smb.conf(5): loadparm.c, GLOBAL_NAME and GLOBAL_NAME2."""


def _whole(text: str) -> str:
    """Half a character, as JSON can name one, has no bytes in a file."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("has half a character (a lone surrogate)")
    return text


def _one_line(text: str) -> str:
    if _LINE_ENDS.search(_whole(text)):
        raise ValueError("must be one line, without control characters")
    return text


def _parameter(name: str) -> str:
    """A word that Samba reads as the name of a parameter, and as nothing else."""
    if _one_line(name).strip() != name or not name or "=" in name or name[0] in "[#;!":
        raise ValueError(f"{files.brief(name)} is no name of a parameter")
    return name


def _section(name: str) -> str:
    if _one_line(name).strip() != name or not name or set(name) & set("]/\\"):
        raise ValueError(f"{files.brief(name)} is no name of a share")
    if parameter_key(name) in _GLOBAL:
        raise ValueError(f"{files.brief(name)} is no share: Samba takes it for [global]")
    return name


def _person(name: str) -> str:
    if _one_line(name).strip() != name or set(name) & set(':,/\\"') or name[:1] in "-+@&":
        raise ValueError(f"{files.brief(name)} is no name of a user or group")
    return name


def _settings(found: dict[str, str]) -> dict[str, str]:
    """Each is a parameter that is allowed, once: what the importer leaves out nobody puts back in."""
    known: dict[str, str] = {}
    for name, value in found.items():
        if (key := parameter_key(name)) in known:
            raise ValueError(f"has one parameter twice: {known[key]!r} and {name!r}")
        known[key] = name
        if why := refusal(name, value):
            raise ValueError(f"{files.brief(name)} = {files.brief(value)} {why}")
    return found


_Text = Annotated[str, AfterValidator(_whole)]
_Name = Annotated[str, Field(max_length=200), AfterValidator(_person), Field(min_length=1)]
_Settings = Annotated[
    dict[
        Annotated[str, Field(max_length=200), AfterValidator(_parameter)],
        str,
    ],
    AfterValidator(_settings),
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class _Share(_Table):
    name: Annotated[str, Field(max_length=200), AfterValidator(_section)]
    settings: _Settings = {}
    mode: Annotated[str, Field(pattern=r"^[0-7]{3,4}$")] | None = None
    """The permission bits of its folder, in octal, as chmod(1) takes them."""


class _Account(_Table):
    name: _Name
    groups: list[_Name] = Field(default=[], max_length=1000)


class _Instead(_Table):
    section: _Text
    parameter: _Text
    value: _Text
    done: _Text


class _Emulated(_Table):
    what: Annotated[_Text, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
    platform: str
    highest: str

    @model_validator(mode="after")
    def _known(self) -> _Emulated:
        named(self.platform)
        Dialect(self.highest)
        return self


class DescriptionFile(_Table):
    """A configuration that was brought along as it is written in its file."""

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=40)
    files: list[_Text] = []
    image: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    settings: _Settings = {}
    """Of [global]."""
    shares: list[_Share] = Field(default=[], max_length=1000)
    accounts: list[_Account] = Field(default=[], max_length=1000)
    instead: list[_Instead] = []
    remarks: list[_Text] = []
    emulates: _Emulated | None = None
    """Of a configuration that is no Samba's."""
    appearing: list[str] = Field(default=[], max_length=1000)
    """Names of shares that are not available until a change."""

    @model_validator(mode="after")
    def _each_once(self) -> DescriptionFile:
        # smb.conf(5): names of shares are not told apart by the case of their letters.
        for kind, names in (
            ("share", [share.name.casefold() for share in self.shares]),
            ("account", [account.name.casefold() for account in self.accounts]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"there are two of one {kind}: {files.brief(twice)}")
        if strange := set(self.appearing) - {share.name for share in self.shares}:
            raise ValueError(f"{files.brief(min(strange))} is to appear, and is no share")
        return self

    def brought(self) -> Brought:
        """What the file says."""
        return Brought(
            self.name,
            tuple(self.files),
            self.image,
            Conf(
                MappingProxyType(self.settings),
                sections=MappingProxyType(
                    {share.name: MappingProxyType(share.settings) for share in self.shares}
                ),
            ),
            tuple(Account(one.name, tuple(one.groups)) for one in self.accounts),
            MappingProxyType({one.name: int(one.mode, 8) for one in self.shares if one.mode is not None}),
            tuple(Instead(one.section, one.parameter, one.value, one.done) for one in self.instead),
            tuple(self.remarks),
            None
            if self.emulates is None
            else Emulated(self.emulates.what, self.emulates.platform, Dialect(self.emulates.highest)),
            tuple(self.appearing),
        )


def read(path: Path) -> Brought:
    """Read a description. Raises UsageError naming the file, the field and what was expected."""
    try:
        return parse(files.text(path, HINT))
    except ValueError as error:
        raise UsageError(f"{path}: {error}", HINT) from error


def write(path: Path, brought: Brought) -> None:
    """Write a description, in one step. Raises UsageError for what ``read`` would refuse, and where it cannot
    be written."""
    try:
        data = text(brought)
    except ValueError as error:
        raise UsageError(f"{brought.name}: no description can be written: {error}") from error
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(data, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def parse(data: str) -> Brought:
    """What the text of a description says. Raises ValueError with the field and what was expected."""
    try:
        found = json.loads(data, object_pairs_hook=_table, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from error
    return _checked(found).brought()


def text(brought: Brought) -> str:
    """The text of a description. Raises ValueError for what ``parse`` would refuse."""
    if brought.conf.share:
        raise ValueError("what is laid over all shares is a change, and no part of a description")
    if strange := sorted(set(brought.modes) - set(brought.conf.sections)):
        raise ValueError(f"there is a mode of {strange[0]!r}, which is no share")
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "name": brought.name,
        "files": [*brought.files],
        "image": brought.image,
        "settings": dict(brought.conf.globals),
        "shares": [_share(brought, name, said) for name, said in brought.conf.sections.items()],
        "accounts": [{"name": one.name, "groups": [*one.groups]} for one in brought.accounts],
        "instead": [
            {"section": one.section, "parameter": one.parameter, "value": one.value, "done": one.done}
            for one in brought.instead
        ],
        "remarks": [*brought.remarks],
    }
    if (other := brought.emulates) is not None:
        made["emulates"] = {"what": other.what, "platform": other.platform, "highest": str(other.highest)}
    if brought.appearing:
        made["appearing"] = [*brought.appearing]
    _checked(made)
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _share(brought: Brought, name: str, said: Mapping[str, str]) -> dict[str, Any]:
    mode = {"mode": f"{brought.modes[name]:03o}"} if name in brought.modes else {}
    return {"name": name, "settings": dict(said), **mode}


def _checked(found: object) -> DescriptionFile:
    try:
        return DescriptionFile.model_validate(found)
    except ValidationError as error:
        raise ValueError(files.first_mistake(error, "the file")) from error


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a name that stands twice in one JSON would take the last, unseen."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has {files.brief(twice)} twice in one place")
    return made


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"has {word}, which is no JSON")
