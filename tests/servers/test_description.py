"""Descriptions of configurations that were brought along: what they hold is data, whoever wrote the file."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as at_most
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.servers import description
from harness.servers.allowed import RULES, refusal
from harness.servers.base import Conf, parameter_key
from harness.servers.brought import Account, Brought, Instead

OFFICE = Brought(
    "office",
    ("smb.conf", "shares.conf"),
    "bookworm",
    Conf(
        {"server min protocol": "NT1", "dos charset": "CP932"},
        sections={
            "homes": {"valid users": "%S"},
            "経理 2": {"valid users": "@office, anna", "fruit:metadata": "stream"},
        },
    ),
    (Account("anna", ("office", "Domain Users")), Account("経理")),
    MappingProxyType({"経理 2": 0o2775}),
    (Instead("経理 2", "root preexec", "/bin/x", "left out: no command of yours is run."),),
    ("testparm: fine",),
    appearing=("homes",),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "office.json"
    description.write(file, OFFICE)
    assert description.read(file) == OFFICE
    assert list(description.read(file).conf.sections) == ["homes", "経理 2"]
    assert "経理" in file.read_text()
    assert [*tmp_path.iterdir()] == [file]


def spoiled(where: tuple[str | int, ...], value: object) -> str:
    """The office's description with one thing in it changed."""
    made: Any = json.loads(description.text(OFFICE))
    at = made
    for key in where[:-1]:
        at = at[key]
    at[where[-1]] = value
    return json.dumps(made)


DOCUMENTS: tuple[str | int, ...] = ("shares", 1, "settings")


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("schema",), 2, "schema"),
        (("more",), 1, "more"),
        (("name",), "../x", "name"),
        (("name",), "of:fice", "name"),
        (("image",), "/etc", "image"),
        (("files",), "smb.conf", "files"),
        (("settings", "workgroup"), 5, "settings.workgroup"),
        (("settings", "workgroup"), "X\npath = /", "no line of text"),
        (("settings", "workgroup"), "X\r", "no line of text"),
        (("settings", "workgroup"), "X\0", "no line of text"),
        (("settings", "workgroup"), "X\\", "no line of text"),
        (("settings", "workgroup"), "X \\ \t", "no line of text"),
        (("settings", "workgroup"), "\ud800", "no line of text"),
        (("remarks", 0), "\udfff", "surrogate"),
        (("settings", "include"), "/etc/passwd", "include"),
        (("settings", " include"), "x", "no name of a parameter"),
        (("settings", "INC lude"), "x", "INC lude"),
        (("settings", "config\tfile"), "x", "config"),
        (("settings", "registry shares"), "yes", "registry shares"),
        (("settings", "panic action"), "/bin/x", "a command"),
        (("settings", "panicAction"), "/bin/x", "a command"),
        (("settings", "vfs objects"), "/tmp/x.so", "VFS module"),
        (("settings", "log file"), "/dev/null", "log file"),
        (("settings", "unheard of"), "x", "unheard of"),
        (("settings", "[x]"), "", "no name of a parameter"),
        (("settings", "# x"), "", "no name of a parameter"),
        (("settings", ""), "", "no name of a parameter"),
        (("settings", "a = b"), "", "no name of a parameter"),
        (("settings", "a\nb"), "", "one line"),
        (("settings", "DOS Charset"), "UTF-8", "twice"),
        ((*DOCUMENTS, "path"), "/", "path"),
        ((*DOCUMENTS, "Directory"), "/", "Directory"),
        ((*DOCUMENTS, "copy"), "homes", "copy"),
        (("shares", 1, "name"), "global", "[global]"),
        (("shares", 1, "name"), "G lobals", "[global]"),
        (("shares", 1, "name"), "a]b", "no name of a share"),
        (("shares", 1, "name"), "a\nb", "one line"),
        (("shares", 1, "name"), "", "no name of a share"),
        (("shares", 1, "name"), "HOMES", "two of one share"),
        (("shares", 1, "mode"), "0999", "mode"),
        (("shares", 1, "mode"), 493, "mode"),
        (("shares", 1, "path"), "/", "path"),
        (("appearing",), ["none"], "no share"),
        (("accounts", 0, "name"), "a:b", "user or group"),
        (("accounts", 0, "name"), "", "accounts.0.name"),
        (("accounts", 0, "name"), "経理", "two of one account"),
        (("accounts", 0, "groups"), ["a,b"], "user or group"),
        (("accounts", 0, "groups"), ["a\nb"], "one line"),
        (("shares",), [{"name": f"s{n}"} for n in range(1001)], "shares"),
    ],
)
def test_a_hostile_description_is_refused_by_the_field(
    where: tuple[str | int, ...], value: object, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "office.json"
    file.write_text(spoiled(where, value))
    with pytest.raises(UsageError) as refused:
        description.read(file)
    assert refused.value.message.startswith(f"{file}: ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no JSON"),
        (b"[]", "the file"),
        (b"\xff", "no UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"schema": NaN}', "NaN"),
        (b'{"schema": 1' + b"0" * 5000 + b"}", "digits"),
        (b'{"schema": 1, "schema": 1}', "twice"),
        (b" " * (4 * 2**20 + 1), "larger"),
    ],
)
def test_what_is_no_description_is_told_in_a_line(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "office.json"
    file.write_bytes(data)
    with pytest.raises(UsageError) as refused:
        description.read(file)
    assert said in refused.value.message
    assert str(file) in refused.value.message
    assert "\n" not in refused.value.message


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    for conf in (Conf({"comment": "a\nb"}), Conf(share={"guest ok": "yes"}), Conf(sections={"global": {}})):
        with pytest.raises(UsageError, match="no description can be written"):
            description.write(tmp_path / "x.json", Brought("x", (), "bookworm", conf))
    assert [*tmp_path.iterdir()] == []


WORDS = st.text(max_size=12)
NAMES = st.sampled_from([*RULES, "fruit:model", "Guest OK", "include"]) | WORDS


@given(
    globals_=st.dictionaries(NAMES, WORDS, max_size=3),
    section=WORDS,
    shares=st.dictionaries(NAMES, WORDS, max_size=3),
    user=WORDS,
)
@at_most(max_examples=200, deadline=None)
def test_whatever_is_in_it_is_one_line_each(
    globals_: dict[str, str], section: str, shares: dict[str, str], user: str
) -> None:
    """A description is refused, or each of its words is what Samba reads in its one line."""
    said = Brought("x", (), "bookworm", Conf(globals_, sections={section: shares}), (Account(user),))
    try:
        found = description.parse(description.text(said))
    except ValueError:
        return
    assert found == said
    settings = (*globals_.items(), *shares.items())
    assert not any(refusal(name, value) for name, value in settings)
    lines = [f"{name} = {value}" for name, value in settings]
    assert len("\n".join(lines).splitlines()) == len(lines)
    assert not any(line.rstrip().endswith("\\") or line[0] in "[#;" for line in lines)
    assert parameter_key(section) not in ("global", "globals")
