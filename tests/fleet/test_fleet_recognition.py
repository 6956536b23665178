"""What a file is shows itself by its form: a text that speaks of a command is not what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.fleet import intake, opening
from harness.fleet.records import Record
from harness.model import Dialect

ROWS = "ClientComputerName Dialect\n------------------ -------\n192.0.2.7          3.1.1\n"
PRINTED = {
    "table": ROWS,
    "table below prose": f"This is what it says today:\n\n{ROWS}",
    "CSV": '"SessionId","ClientComputerName","Dialect"\n"1","192.0.2.7","3.1.1"\n',
    "CSV of PowerShell 5": "#TYPE X\nClientComputerName;Dialect\n192.0.2.7;3.1.1\n",
    "list": "SessionId          : 1\nClientComputerName : 192.0.2.7\nDialect            : 3.1.1\n",
    "JSON": '[{"SessionId": 1, "ClientComputerName": "192.0.2.7", "Dialect": "3.1.1"}]\n',
    "window": f"Windows PowerShell\nCopyright (C) Microsoft\n\nPS C:\\> Get-SmbSession\n\n{ROWS}",
}
MENTIONED = {
    "readme": (
        "# Collecting\n\nRun Get-SmbSession; its ClientComputerName is the client.\n\n"
        "    Get-SmbSession | Select-Object ClientComputerName, Dialect | Export-Csv sessions.csv\n"
    ),
    "prompt below prose": "# Collecting\n\nPS C:\\> Get-SmbSession | Export-Csv sessions.csv\n",
    "script": "$s = Get-SmbSession\n$s | Select-Object ClientComputerName, Dialect | Export-Csv x.csv\n",
    "mail": "Hello,\n\nplease run Get-SmbConnection and Get-SmbOpenFile.\n",
    "glossary": "# Words\n\nGet-SmbSession: the sessions of a server\n",
    "table of a manual": "| ClientComputerName | Dialect |\n|---|---|\n| the client | the dialect |\n",
    "events": "Look into Microsoft-Windows-SMBServer/Audit for\nEvent ID 3000\n",
}
NOTHING_FOUND = {
    "prompt": "PS C:\\> Get-SmbSession\nPS C:\\>\n",
    "window": "Windows PowerShell\nCopyright (C) Microsoft\n\nPS C:\\> Get-SmbSession\nPS C:\\>\n",
    "error": "Get-SmbSession : Access is denied.\n    + CategoryInfo\n",
    "no such command": "The term 'Get-SmbSession' is not recognized as the name of a cmdlet\n",
}


def read(folder: Path, text: str) -> tuple[intake.Read, list[Record]]:
    path = folder / "collected.txt"
    path.write_text(text, encoding="utf-8")
    return intake.records_of(path, "", tuple)


@pytest.mark.parametrize("form", PRINTED)
def test_what_the_command_prints_is_known_in_every_form(form: str, tmp_path: Path) -> None:
    found, records = read(tmp_path, PRINTED[form])
    assert found.kind == "windows-sessions"
    assert [(one.address, list(one.dialects)) for one in records] == [("192.0.2.7", [Dialect.SMB3_11])]


@pytest.mark.parametrize("form", MENTIONED)
def test_what_only_speaks_of_a_command_is_nothing_that_is_known(form: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is nothing that is known"):
        read(tmp_path, MENTIONED[form])


@pytest.mark.parametrize("form", NOTHING_FOUND)
def test_what_stands_in_the_place_of_a_table_is_known_too(form: str, tmp_path: Path) -> None:
    path = tmp_path / "collected.txt"
    path.write_text(NOTHING_FOUND[form])
    assert opening.opened(path).kind == "windows-sessions"


MESSAGES = {
    "English": "SMB1 access\n              \n              Client Address: 192.0.2.44",
    "German": "SMB1-Zugriff\n              \n              Clientadresse: 192.0.2.44",
    "Japanese": "SMB1 へのアクセス\n              \n              クライアント アドレス: 192.0.2.44",
}
DATES = {
    "English": "10/13/2025 9:12:33 AM",
    "German": "13.10.2025 09:12:33",
    "Japanese": "2025/10/13 9:12:33",
}


@pytest.mark.parametrize("language", MESSAGES)
def test_a_list_without_the_provider_is_known_by_what_the_message_says(language: str, tmp_path: Path) -> None:
    """``Get-WinEvent ... | Format-List TimeCreated, Id, Message``."""
    block = f"\nTimeCreated : {DATES[language]}\nId          : 3000\nMessage     : {MESSAGES[language]}\n"
    found, records = read(tmp_path, block + block.replace(".44", ".45"))
    assert found.kind == "windows-events"
    assert not found.tally.not_understood
    assert [(one.address, list(one.dialects)) for one in records] == [
        ("192.0.2.44", [Dialect.NT1]),
        ("192.0.2.45", [Dialect.NT1]),
    ]
    assert {one.last_seen.date().isoformat() for one in records if one.last_seen} == {"2025-10-13"}


def test_such_records_as_json_are_known_too(tmp_path: Path) -> None:
    text = '[{"Id": 3000, "Message": "SMB1-Zugriff\\r\\n\\r\\nClientadresse: 192.0.2.44"}]'
    found, records = read(tmp_path, text)
    assert (found.kind, records[0].address) == ("windows-events", "192.0.2.44")


def test_the_same_number_of_another_program_is_no_use_of_smb1(tmp_path: Path) -> None:
    other = (
        "\nTimeCreated : 10/13/2025 9:12:33 AM\nId          : 3000\nMessage     : The spooler met 192.0.2.9\n"
    )
    with pytest.raises(UsageError, match="is nothing that is known"):
        read(tmp_path, other)
    ours = f"\nTimeCreated : 10/13/2025 9:12:33 AM\nId          : 3000\nMessage     : {MESSAGES['English']}\n"
    _, records = read(tmp_path, ours + other)
    assert [one.address for one in records] == ["192.0.2.44"]
