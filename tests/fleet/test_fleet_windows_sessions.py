"""Get-SmbSession and Get-SmbConnection, however somebody got them out of PowerShell."""

from __future__ import annotations

import json

import pytest
from inventory import of_text, sample, told

from harness.fleet.importers import windows_sessions
from harness.fleet.importers.windows_sessions import ASK_SESSIONS, CUT, NO_DIALECT, WHOSE
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

IMPORTER = windows_sessions.IMPORTER
KIND = IMPORTER.name


def test_the_dialect_1_0_1_is_smb1() -> None:
    sightings, tally = of_text(KIND, sample("14").read_text())
    assert [told(one) for one in sightings] == [{"address": "192.168.1.143", "dialect": Dialect.NT1}]
    assert not tally.notices
    assert not tally.not_understood


def test_without_a_column_of_dialects_the_command_is_asked_for_that_shows_it() -> None:
    sightings, tally = of_text(KIND, sample("15").read_text())
    # The same machine twice: pasted without its columns, once with and once without the dialect.
    assert [told(one) for one in sightings] == [
        {"address": "10.10.75.1"},
        {"address": "10.10.75.1", "dialect": Dialect.SMB3_11},
    ]
    assert tally.notices == [NO_DIALECT]
    assert "Get-SmbSession | Select-Object ClientComputerName, Dialect" in NO_DIALECT


def test_fsx_has_the_same_columns_and_its_configuration_is_no_session() -> None:
    sightings, tally = of_text(KIND, sample("16").read_text())
    assert [told(one) for one in sightings] == [{"address": "10.0.0.8"}]
    assert tally.notices == [NO_DIALECT]
    assert not tally.not_understood
    assert not tally.answers_nothing


def test_the_configuration_of_a_server_names_no_client() -> None:
    text = sample("18").read_text()
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    assert not sightings
    assert "names no client" in tally.answers_nothing
    assert ASK_SESSIONS in tally.answers_nothing


@pytest.mark.parametrize(
    ("word", "dialect"),
    [
        ("1.0", Dialect.NT1),
        ("1.0.1", Dialect.NT1),
        ("1.5", Dialect.NT1),
        ("2.002", Dialect.SMB2_02),
        ("2.0.2", Dialect.SMB2_02),
        ("2.1", Dialect.SMB2_10),
        ("3.0", Dialect.SMB3_00),
        ("3.02", Dialect.SMB3_02),
        ("3,02", Dialect.SMB3_02),
        ("3.0.2", Dialect.SMB3_02),
        ("3.1.1", Dialect.SMB3_11),
        ("785", Dialect.SMB3_11),
    ],
)
def test_each_number_that_windows_has_for_a_dialect(word: str, dialect: Dialect) -> None:
    sightings, _ = of_text(KIND, f'"ClientComputerName";"Dialect"\n"ws1";"{word}"')
    assert [told(one) for one in sightings] == [{"name": "ws1", "dialect": dialect}]


@pytest.mark.parametrize("word", ["3.1", "4.0", "0.9", "SMB3_12", "new"])
def test_a_dialect_that_no_document_knows_is_kept_as_it_is(word: str) -> None:
    (one,), _ = of_text(KIND, f"ClientComputerName,Dialect\nws1,{word}")
    assert (one.dialect, one.unknown_dialect) == (None, word)


@pytest.mark.parametrize(
    ("word", "machine"),
    [
        (r"\\10.0.0.1", {"address": "10.0.0.1"}),
        ("[fe80::1%3]", {"address": "fe80::1"}),
        (r"\\[fe80::1%3]", {"address": "fe80::1"}),
        ("::ffff:10.0.0.1", {"address": "10.0.0.1"}),
        ("fe80--1s4.ipv6-literal.net", {"address": "fe80::1"}),
        (r"\\SCANNER", {"name": "SCANNER"}),
        ("pc.example.test", {"name": "pc.example.test"}),
    ],
)
def test_a_computer_is_named_in_many_ways(word: str, machine: dict[str, str]) -> None:
    (one,), _ = of_text(KIND, f"ClientComputerName,Dialect\n{word},3.1.1")
    assert told(one) == {**machine, "dialect": Dialect.SMB3_11}


@pytest.mark.parametrize("word", ["[::1]", "127.0.0.1", "localhost"])
def test_sessions_of_the_server_with_itself_are_no_machine(word: str) -> None:
    sightings, tally = of_text(KIND, f"ClientComputerName,Dialect\n{word},3.1.1")
    assert not sightings
    assert not tally.not_understood
    assert tally.passed_over == 2


TYPED = (
    "#TYPE Microsoft.Management.Infrastructure.CimInstance#root/smb\n"
    '"SessionId";"ClientComputerName";"Dialect"\n'
)


def test_export_csv_with_and_without_its_type_line_one_behind_the_other() -> None:
    sightings, tally = of_text(KIND, TYPED + '"1";"10.0.0.1";"3.1.1"\n' + TYPED + '"2";"10.0.0.2";"2.1"\n')
    assert [one.address for one in sightings] == ["10.0.0.1", "10.0.0.2"]
    assert [one.place.line for one in sightings] == [3, 6]
    assert not tally.not_understood


SESSION = {
    "SessionId": 549755813893,
    "ClientComputerName": "10.0.0.1",
    "ClientUserName": "EXAMPLE\\max muster",
    "Dialect": "3.1.1",
    "SmbInstance": {"value": 0, "Value": "Default"},
    "PSComputerName": "FS01",
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SESSION),
        json.dumps([SESSION]),
        json.dumps([SESSION], indent=4),
        json.dumps({**SESSION, "Dialect": 785}, indent=4),
        json.dumps({"value": [SESSION], "Count": 1}, indent=4),
    ],
)
def test_convertto_json_of_one_object_or_a_list(text: str) -> None:
    assert IMPORTER.recognises(text)
    (one,), tally = of_text(KIND, text)
    assert told(one) == {"address": "10.0.0.1", "dialect": Dialect.SMB3_11}
    assert not tally.not_understood


def test_json_that_ends_too_soon_gives_what_is_there() -> None:
    text = json.dumps([SESSION, SESSION], indent=4)
    sightings, tally = of_text(KIND, text[: text.rindex("Dialect")])
    assert len(sightings) == 1
    assert list(tally.not_understood.values()) == [1]


LIST = """
SessionId          : 549755813893
ClientComputerName : 10.0.0.1
ClientUserName     : EXAMPLE\\max muster
Dialect            : 3.0.2

SessionId          : 549755813894
ClientComputerName : 10.0.0.2
ClientUserName     : FS01\\Gast
Dialect            :

"""


def test_format_list() -> None:
    sightings, _ = of_text(KIND, LIST)
    assert [told(one) for one in sightings] == [
        {"address": "10.0.0.1", "dialect": Dialect.SMB3_02},
        {"address": "10.0.0.2", "logon": Logon.GUEST},
    ]


TABLE = """
   SessionId ClientComputerName ClientUserName        Dialect NumOpens
   --------- ------------------ --------------        ------- --------
549755813893 10.0.0.1           EXAMPLE\\Max Muster    3.1.1          0
549755813894 WS-WITH-A-LONG-... EXAMPLE\\Max Muster    3.1.1         12
549755813895 10.0.0.3                                 1.0.1          1
549755813896 \\\\10.0.0.4         NT AUTHORITY\\ANON...  2.1           -1
"""


def test_a_table_with_blanks_in_names_an_empty_cell_and_a_cut_name() -> None:
    sightings, tally = of_text(KIND, TABLE)
    assert [(one.address, one.dialect) for one in sightings] == [
        ("10.0.0.1", Dialect.SMB3_11),
        ("10.0.0.3", Dialect.NT1),
        ("10.0.0.4", Dialect.SMB2_10),
    ]
    assert tally.notices == [CUT]
    assert sum(tally.not_understood.values()) == 1


def test_columns_in_another_order_that_lost_their_blanks() -> None:
    table = (
        "ClientUserName ClientComputerName Dialect\n"
        "-------------- ------------------ -------\n"
        "EX\\a ws1 3.1.1\n"
    )
    (one,), _ = of_text(KIND, table)
    assert told(one) == {"name": "ws1", "dialect": Dialect.SMB3_11}


def test_one_machine_with_several_sessions_says_so_as_often() -> None:
    sightings, _ = of_text(KIND, "ClientComputerName,Dialect\nws1,3.1.1\nws1,3.1.1\n")
    assert {one.name for one in sightings} == {"ws1"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "PS C:\\> Get-SmbSession\nGet-SmbSession : Access is denied. \nAt line:1 char:1\n+ x\n",
            "administrator",
        ),
        ("Get-SmbSession : Zugriff verweigert\nIn Zeile:1 Zeichen:1\n+ Get-SmbSession\n", "administrator"),
        (
            "Get-SmbSession : The term 'Get-SmbSession' is not recognized as a cmdlet\n",
            "Windows 7",
        ),
        (
            "Get-SmbSession : The RPC server is unavailable.\nAt line:1 char:1\n",
            "The RPC server is unavailable.",
        ),
    ],
)
def test_an_error_in_the_place_of_the_table_is_named(text: str, why: str) -> None:
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    assert not sightings
    assert why in tally.answers_nothing


def test_nobody_connected_is_an_answer() -> None:
    sightings, tally = of_text(KIND, "PS C:\\> Get-SmbSession\nPS C:\\>\n")
    assert not sightings
    assert not tally.answers_nothing
    assert not tally.not_understood


CONNECTION = """
ServerName ShareName UserName      Credential    Dialect NumOpens
---------- --------- --------      ----------    ------- --------
fs01       data      EX\\max muster EX\\max muster 3.1.1   2
"""


def test_a_connection_tells_of_the_server_and_asks_who_the_client_is() -> None:
    assert IMPORTER.recognises(CONNECTION)
    sightings, tally = of_text(KIND, CONNECTION)
    assert [told(one) for one in sightings] == [
        {"name": "fs01", "role": Role.SERVER, "dialect": Dialect.SMB3_11}
    ]
    assert tally.notices == [WHOSE]


def test_a_connection_that_names_its_client_tells_of_both() -> None:
    text = "PSComputerName,ServerName,Dialect,Signed,Encrypted\nWS7,fs01,2.1,False,False\n"
    sightings, tally = of_text(KIND, text)
    assert [told(one) for one in sightings] == [
        {"name": "WS7", "dialect": Dialect.SMB2_10, "signed": False, "encrypted": False},
        {"name": "fs01", "role": Role.SERVER, "dialect": Dialect.SMB2_10},
    ]
    assert not tally.notices


def test_the_name_of_the_user_goes_nowhere() -> None:
    for text in (TABLE, LIST, json.dumps(SESSION), CONNECTION):
        sightings, tally = of_text(KIND, text)
        assert "muster" not in repr(sightings).casefold()
        assert "muster" not in repr(tally.notices).casefold()


def test_a_row_too_many_and_a_row_of_something_else_cost_themselves_alone() -> None:
    text = "ClientComputerName,Dialect\nws1,3.1.1,x,y\n\nws2,2.1\n-,3.0\n"
    sightings, tally = of_text(KIND, text)
    assert [one.name for one in sightings] == ["ws2"]
    assert sum(tally.not_understood.values()) == 2
