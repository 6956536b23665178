"""Every PowerShell script: its grammar, its commands, and that it keeps the contract its caller relies on.

No PowerShell runs here. A real grammar finds what is no PowerShell; the lists below find misspelt commands
and parameters; neither shows what Windows does.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from powershell_grammar import (
    commands,
    functions,
    hash_keys,
    mistakes,
    parameters,
    parse,
    statements,
)

import harness
from harness.remote import readiness, winrm
from harness.windows.scripts import SCRIPTS

ROOT = Path(harness.__file__).parent
FILES = sorted(ROOT.rglob("*.ps1"))
INLINE = {"winrm, write a file": winrm._WRITE, "readiness, version": readiness.VERSION}
ALL = {**{str(path.relative_to(ROOT)): path.read_text() for path in FILES}, **INLINE}

# Cmdlets with the parameters that are used, as documented for Windows PowerShell 3.0 to 5.1 and its modules
# (Microsoft.PowerShell.*, CimCmdlets, Dism, SmbShare). Set-Smb*Configuration are splatted.
KNOWN = {
    "Add-Type": {"TypeDefinition"},
    "ConvertFrom-Json": {"InputObject"},
    "ConvertTo-Json": {"InputObject", "Compress", "Depth"},
    "Disable-WindowsOptionalFeature": set[str](),
    "Enable-WindowsOptionalFeature": {"All"},
    "ForEach-Object": set[str](),
    "Format-List": {"Property"},
    "Get-ChildItem": {"LiteralPath", "Filter"},
    "Get-CimInstance": {"ClassName", "Filter"},
    "Get-Command": {"Name", "ErrorAction"},
    "Get-Date": set[str](),
    "Get-Item": {"LiteralPath"},
    "Get-Service": {"Name"},
    "Get-SmbClientConfiguration": set[str](),
    "Get-SmbConnection": {"ServerName", "ErrorAction"},
    "Get-SmbServerConfiguration": set[str](),
    "Get-WinEvent": {"FilterHashtable", "MaxEvents", "ErrorAction"},
    "Get-WindowsOptionalFeature": {"Online", "FeatureName"},
    "Join-Path": set[str](),
    "New-Item": {"Path", "ItemType"},
    "New-ItemProperty": {"PropertyType", "Force"},
    "New-Object": set[str](),
    "Out-Null": set[str](),
    "Out-String": {"Width"},
    "Remove-Item": {"LiteralPath"},
    "Remove-ItemProperty": {"LiteralPath", "Name", "Force"},
    "Restart-Service": {"Name", "Force"},
    "Select-Object": {"First", "Skip"},
    "Set-SmbClientConfiguration": set[str](),
    "Set-SmbServerConfiguration": set[str](),
    "Set-StrictMode": {"Version"},
    "Sort-Object": {"Property"},
    "Start-Service": {"Name"},
    "Stop-Service": {"Name", "Force"},
    "Test-Path": {"LiteralPath"},
    "Where-Object": set[str](),
}
PROGRAMS = {"sc.exe", "reg.exe", "net.exe", "icacls.exe", "netsh.exe", "shutdown.exe"}
TYPES = {"str": "string", "bool": "bool", "int": "int"}


def test_the_grammar_finds_mistakes() -> None:
    """Else the next test would pass on anything."""
    assert mistakes(parse("function { Get-Item }) if ("))
    assert mistakes(parse("$x = @{ a = 1"))
    assert not mistakes(parse("$x = @{ a = 1 }"))


def test_there_are_scripts() -> None:
    assert len(FILES) == len(SCRIPTS) + 1


@pytest.mark.parametrize("name", ALL)
def test_it_is_powershell(name: str) -> None:
    assert mistakes(parse(ALL[name])) == []
    assert ALL[name].isascii(), "PowerShell reads a file in the code page of that Windows"


@pytest.mark.parametrize("name", ALL)
def test_it_calls_only_what_is_known_and_no_alias(name: str) -> None:
    root = parse(ALL[name])
    own = functions(root)
    for command, given in commands(root):
        if command in own or command in PROGRAMS or re.fullmatch(r"\(.*\)|\$.*", command, re.DOTALL):
            continue
        assert command in KNOWN, f"{command}: an alias, misspelt, or new: then add it above"
        wrong = {word.removeprefix("-") for word in given} - KNOWN[command]
        assert not wrong, f"{command} with {wrong}"


def test_an_alias_is_found() -> None:
    found = [command for command, _ in commands(parse("Get-Item x | % { $_ }; gci; sc query"))]
    assert set(found) - set(KNOWN) - PROGRAMS


@pytest.mark.parametrize("name", ALL)
def test_the_first_mistake_ends_it(name: str) -> None:
    assert statements(parse(ALL[name]))[0] == "$ErrorActionPreference = 'Stop'"


WHOLE = {name: text for name, text in ALL.items() if not name.endswith("bootstrap.ps1")}


@pytest.mark.parametrize("name", WHOLE)
def test_its_last_words_are_one_json_document(name: str) -> None:
    said = [line for line in statements(parse(ALL[name])) if line.startswith("ConvertTo-Json")]
    assert said == statements(parse(ALL[name]))[-1:]
    assert "-Compress" in said[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.name)
def test_its_parameters_are_its_order(script) -> None:  # type: ignore[no-untyped-def]
    taken = parameters(parse(script.text))
    given = {field.alias: field.annotation for field in script.order.model_fields.values()}
    assert list(taken) == list(given)
    for name, annotation in given.items():
        kind = (
            "string"
            if "Literal" in str(annotation)
            else TYPES.get(getattr(annotation, "__name__", ""), "object[]")
        )
        assert taken[name] == kind, name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.name)
def test_what_it_answers_is_its_contract(script) -> None:  # type: ignore[no-untyped-def]
    *before, last = statements(parse(script.text))
    if "@{" not in last:
        (last,) = [line for line in before if line.startswith("$answer = @{")]
    assert hash_keys(last) == set(script.answer.model_fields)


@pytest.mark.parametrize("name", WHOLE)
def test_nested_answers_are_not_cut_off(name: str) -> None:
    """ConvertTo-Json stops at a depth of 2 unless it is told otherwise, and writes what is deeper as text."""
    last = statements(parse(ALL[name]))[-1]
    deep = "$answer" in last or ALL[name].count("@{") > 2
    assert "-Depth 6" in last or not deep


def test_the_bootstrap_marks_everything_it_says() -> None:
    text = (ROOT / "remote" / "bootstrap.ps1").read_text()
    for line in text.splitlines():
        if "WriteLine" in line:
            assert "$mark" in line
