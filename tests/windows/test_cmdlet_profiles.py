"""Every cmdlet and parameter that is printed or called is there on the builds it is for, as recorded.

No PowerShell runs here: what each Windows has was recorded on it, or, since build 17763, is documented alone
(``cmdlet_profiles``).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cmdlet_profiles import BEFORE_SMB, DOCUMENTED, RECORDED, at, lacks
from powershell_grammar import commands, functions, mistakes, parse

import harness
from harness.fleet.auditing.asked import audit_of
from harness.fleet.auditing.windows import RELEASES
from harness.importing.windows.properties import GUEST, OF_SERVERS
from harness.importing.windows.script import _OF_SET_SHARE, _REGISTRY
from harness.servers import windows_words
from harness.servers.base import Conf
from harness.windows.changes import changes
from harness.windows.commands import command

BUILDS = (BEFORE_SMB, *RECORDED, 19045, 20348, 22631, 26100)
OF_RELEASE = {
    "7": BEFORE_SMB,
    "8": 9200,
    "8.1": 9600,
    "10": 14393,
    "11": 22631,
    "11-24h2": 26100,
    "server-2008-r2": BEFORE_SMB,
    "server-2012": 9200,
    "server-2012-r2": 9600,
    "server-2016": 14393,
    "server-2019": 17763,
    "server-2022": 20348,
    "server-2025": 26100,
}
"""The oldest build of each release of ``rehearse fleet audit`` (Windows 10: of those that are recorded)."""
PROGRAMS = frozenset(
    {"auditpol", "icacls.exe", "net.exe", "netsh.exe", "reg.exe", "sc.exe", "shutdown.exe", "wevtutil"}
)
_DIGITS = {digit: f"Digit{'abcdefghij'[int(digit)]}" for digit in "0123456789"}
"""The grammar knows no digit in the name of a parameter."""


def called(text: str) -> list[tuple[str, list[str]]]:
    """The cmdlets that a text calls, with their parameters; those of a command in a text's -Command too."""
    inner = re.findall(r'-Command "([^"]+)"', text)
    found = []
    for one in (text, *inner):
        spelt = re.sub(
            r"(?<=[ \n])-[A-Za-z][A-Za-z0-9]*",
            lambda word: "".join(_DIGITS.get(letter, letter) for letter in word[0]),
            one.replace("ClientComputerName, Dialect", "'ClientComputerName', 'Dialect'")
            if "-Argument '" not in one
            else one,
        )
        root = parse(spelt)
        assert mistakes(root) == [], one
        own = functions(root)
        for name, given in commands(root):
            if name not in own | PROGRAMS and re.fullmatch("[A-Za-z]+-[A-Za-z]+", name):
                found.append((name, [_spelt_again(word) for word in given]))
            else:
                assert name in own | PROGRAMS or not name[0].isalpha(), (
                    f"{name}: an alias, or a program to add"
                )
    return found


def _spelt_again(word: str) -> str:
    for digit, letters in _DIGITS.items():
        word = word.replace(letters, digit)
    return word


def test_what_is_missing_is_found() -> None:
    """Else the other tests would pass on anything."""
    assert lacks(9600, called("Disable-LocalUser -Name Guest")) == ["Disable-LocalUser"]
    assert lacks(14393, called("Disable-LocalUser -Name Guest")) == []
    line = "Set-SmbServerConfiguration -Smb2DialectMin SMB311 -Force"
    assert lacks(17763, called(line)) == ["Set-SmbServerConfiguration -Smb2DialectMin"]
    assert lacks(26100, called(line)) == []
    assert lacks(BEFORE_SMB, called(line)) == ["Set-SmbServerConfiguration"]
    assert lacks(9200, called("Get-Item -LiteralPth x")) == ["Get-Item -LiteralPth"]
    nested = "New-ScheduledTaskAction -Execute x -Argument '-Command \"Get-SmbSesion | Out-Null\"'"
    assert lacks(17763, called(nested)) == ["Get-SmbSesion"]
    with pytest.raises(AssertionError, match="alias"):
        called("gci")
    with pytest.raises(LookupError, match=r"PowerShell 3\.0"):
        at(2600)


def test_what_is_documented_says_where_and_is_not_recorded_already() -> None:
    for name, parameter, first, source in DOCUMENTED:
        assert source.startswith("learn.microsoft.com: ")
        assert first not in RECORDED or parameter == "AuditSmb1Access"
        before = [build for build in RECORDED if build < first] or [first]
        assert name in at(before[-1])
        assert parameter not in at(before[-1])[name].parameters or before == [first]


@pytest.mark.parametrize("build", BUILDS)
def test_every_change_is_made_with_what_its_builds_have(build: int) -> None:
    wrong = {
        f"{name}, {way.side}: {line}": missing
        for name, change in changes().items()
        for way in change.way
        if way.has(build)
        for setting in way.settings
        if (missing := lacks(build, called(line := command(setting))))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", RELEASES)
def test_every_audit_uses_what_its_release_has(name: str) -> None:
    audit = audit_of(f"windows-{name}")
    for step in [*audit.on, *(one.step for one in audit.exports), *audit.off]:
        assert lacks(OF_RELEASE[name], called("\n".join(step.commands))) == [], step.does


SCRIPTS = sorted(Path(harness.__file__).parent.rglob("*.ps1"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize("build", BUILDS[1:])
def test_every_script_calls_what_is_there(path: Path, build: int) -> None:
    """Windows 7 is left out: what it lacks the scripts ask Get-Command for."""
    assert lacks(build, called(path.read_text())) == []


def test_a_described_server_is_set_with_what_some_build_has() -> None:
    """The properties are those that a Windows told of itself, so that Windows has them."""
    newest = at(26100)
    told = {name for name in OF_SERVERS if name != GUEST and name not in _REGISTRY}
    assert told <= newest["Set-SmbServerConfiguration"].parameters
    assert set(_OF_SET_SHARE) <= newest["Set-SmbShare"].parameters
    assert {"Name", "Path", "SecurityDescriptor", "FullAccess"} <= newest["New-SmbShare"].parameters


def test_an_emulated_server_is_changed_with_what_windows_has() -> None:
    said = lambda key, **_: key  # noqa: E731
    before = Conf({"server min protocol": "NT1", "map to guest": "Bad User"}, {}, {"data": {}})
    after = Conf(
        {"server min protocol": "SMB3_11", "server signing": "mandatory", "smb encrypt": "required",
         "server smb3 encryption algorithms": "AES-256-GCM", "ntlm auth": "ntlmv2-only"},
        {}, {"data": {"csc policy": "disable"}},
    )  # fmt: skip
    (one,) = windows_words.doings(before, after, said)
    for lines in (one.do, one.undo):
        assert lacks(26100, called("\n".join(lines))) == []
