"""Audit events of Windows: what each number says, in every form and language in which people export them."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import pytest
from event_xml import LOGS, SECURITY, SMB_SERVER, xml
from inventory import of_text, sample, told

from harness.fleet.importers import _event_meaning as meaning
from harness.fleet.importers.windows_events import ASK_MESSAGE, IMPORTER
from harness.fleet.sighting import Logon
from harness.model import Dialect

KIND = IMPORTER.name


def test_sample_13_names_an_address_that_used_smb1() -> None:
    text = sample("13").read_text()
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    assert [told(one) for one in sightings] == [
        {
            "address": "192.168.1.214",
            "dialect": Dialect.NT1,
            "seen": datetime.fromisoformat("2019-12-13T11:37:53"),
        }
    ]
    assert tally.notices == [meaning.MAYBE_REFUSED]
    assert not tally.not_understood


def test_a_namespace_may_have_a_prefix_that_an_element_around_it_binds() -> None:
    text = (
        '<?xml version="1.0"?>\n<e:Events xmlns:e="http://schemas.microsoft.com/win/2004/08/events/event">'
        '<e:Event><e:System><e:Provider Name="Microsoft-Windows-SMBServer"/><e:EventID>3000</e:EventID>'
        '<e:TimeCreated SystemTime="2025-02-03T04:05:06Z"/>'
        "<e:Channel>Microsoft-Windows-SMBServer/Audit</e:Channel></e:System><e:UserData>"
        '<x:EventData xmlns:x="y"><x:ClientName>10.3.3.3</x:ClientName></x:EventData></e:UserData></e:Event>'
        "</e:Events>\n"
    )
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    assert [told(one) for one in sightings] == [
        {
            "address": "10.3.3.3",
            "dialect": Dialect.NT1,
            "seen": datetime.fromisoformat("2025-02-03T04:05:06+00:00"),
        }
    ]
    assert not tally.not_understood


AT = {"address": "10.0.0.9"}
WS9 = {"address": "10.0.0.9", "name": "WS9"}

LANGUAGES = {
    "en": """Log Name:      Microsoft-Windows-SMBServer/Audit
Source:        Microsoft-Windows-SMBServer
Date:          {date}
Event ID:      {id}
Task Category: None
Level:         Information
Keywords:
User:          N/A
Computer:      FS01
Description:
{message}""",
    "de": """Protokollname: Microsoft-Windows-SMBServer/Audit
Quelle:        Microsoft-Windows-SMBServer
Datum:         {date}
Ereignis-ID:   {id}
Aufgabenkategorie:Keine
Ebene:         Informationen
Schlüsselwörter:
Benutzer:      Nicht zutreffend
Computer:      FS01
Beschreibung:
{message}""",
    "ja": """ログの名前:         Microsoft-Windows-SMBServer/Audit
ソース:           Microsoft-Windows-SMBServer
日付:            {date}
イベント ID:       {id}
タスクのカテゴリ:      なし
レベル:           情報
キーワード:
ユーザー:          N/A
コンピューター:       FS01
説明:
{message}""",
    "ko": """로그 이름:         Microsoft-Windows-SMBServer/Audit
원본:            Microsoft-Windows-SMBServer
날짜:            {date}
이벤트 ID:        {id}
컴퓨터:           FS01
설명:
{message}""",
}
WRITTEN = [
    ("en", "12/13/2019 11:37:53 AM", "SMB1 access\n\nClient Address: 10.0.0.9\n\nGuidance:\n\nThis event"),
    ("de", "13.12.2019 11:37:53", "SMB1-Zugriff\n\nClientadresse: 10.0.0.9\n\nHinweise:\n\nDieses"),
    ("ja", "2019/12/13 11:37:53", "SMB1 アクセス\n\nクライアント アドレス: 10.0.0.9\n\nガイダンス:\n\nこの"),
    ("ja", "2019年12月13日 午前 11:37:53", "SMB1 アクセス\n\nクライアント アドレス： 10.0.0.9"),
    ("ko", "2019-12-13 오전 11:37:53", "SMB1 액세스\n\n어떤 주소: 10.0.0.9"),
]


@pytest.mark.parametrize(("language", "date", "message"), WRITTEN)
def test_text_of_event_viewer_in_every_language(language: str, date: str, message: str) -> None:
    text = LANGUAGES[language].format(date=date, id=3000, message=message)
    text += "\n\n" + LANGUAGES[language].format(date=date, id=3002, message=message)
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    at = datetime.fromisoformat("2019-12-13T11:37:53")
    assert [told(one) for one in sightings] == [
        {**AT, "dialect": Dialect.NT1, "seen": at},
        {**AT, "smb1_refused": True, "seen": at},
    ]
    assert not tally.not_understood
    # Of a language that is not known the number and the address are read, and that is said.
    assert (meaning.FOREIGN in tally.notices) is (language == "ko")


LOGON_TEXTS = {
    "en": """An account was successfully logged on.

Subject:
	Security ID:		NULL SID
	Logon ID:		0x0

Logon Type:			3

New Logon:
	Security ID:		EXAMPLE\\max
	Account Name:		max

Network Information:
	Workstation Name:	WS9
	Source Network Address:	10.0.0.9
	Source Port:		1686

Detailed Authentication Information:
	Authentication Package:	NTLM
	Package Name (NTLM only):	NTLM V1""",
    "de": """Ein Konto wurde erfolgreich angemeldet.

Antragsteller:
	Sicherheits-ID:		NULL SID

Anmeldetyp:			3

Neue Anmeldung:
	Sicherheits-ID:		EXAMPLE\\max

Netzwerkinformationen:
	Arbeitsstationsname:	WS9
	Quellnetzwerkadresse:	10.0.0.9

Detaillierte Authentifizierungsinformationen:
	Authentifizierungspaket:	NTLM
	Paketname (nur NTLM):	NTLM V1""",
    "ja": """アカウントが正常にログオンしました。

サブジェクト:
	セキュリティ ID:		NULL SID

ログオン タイプ:			3

新しいログオン:
	セキュリティ ID:		EXAMPLE\\max

ネットワーク情報:
	ワークステーション名:	WS9
	ソース ネットワーク アドレス:	10.0.0.9

詳細な認証情報:
	認証パッケージ:	NTLM
	パッケージ名 (NTLM のみ):	NTLM V1""",
}


@pytest.mark.parametrize("language", LOGON_TEXTS)
def test_a_logon_in_every_language(language: str) -> None:
    text = LANGUAGES[language].format(date="2019-12-13 11:37:53", id=4624, message=LOGON_TEXTS[language])
    text = text.replace(LOGS[SMB_SERVER], "Security").replace(SMB_SERVER, SECURITY)
    (one,), tally = of_text(KIND, text)
    assert told(one) == {**WS9, "logon": Logon.NTLMV1, "seen": datetime.fromisoformat("2019-12-13T11:37:53")}
    assert not tally.notices


MESSAGE = "SMB1 access\n\nClient Address: 10.0.0.9\n\nGuidance:\n\nThis event indicates, that a client"


def exported() -> dict[str, str]:
    """One event in the forms of PowerShell and wevtutil."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Message", "Id", "ProcessId", "ProviderName", "LogName", "TimeCreated", "Properties"])
    values = "System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]"
    writer.writerow([MESSAGE, 3000, 4, SMB_SERVER, LOGS[SMB_SERVER], "12/13/2019 11:37:53 AM", values])
    indented = MESSAGE.replace("\n", "\n" + " " * 15)
    record = {
        "Id": 3000,
        "ProcessId": 4,
        "TimeCreated": "/Date(1576237073000)/",
        "ProviderName": SMB_SERVER,
        "Message": MESSAGE,
        "Properties": [{"Value": "10.0.0.9"}],
    }
    shipped = {
        "@timestamp": "2019-12-13T11:37:53Z",
        "winlog": {"event_id": "3000", "provider_name": SMB_SERVER, "event_data": {"ClientName": "10.0.0.9"}},
    }
    return {
        "csv": "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\n" + out.getvalue(),
        "csv-semicolon": out.getvalue().replace('","', '";"'),
        "csv-viewer": "Level,Date and Time,Source,Event ID,Task Category\n"
        f'Information,12/13/2019 11:37:53 AM,{SMB_SERVER},3000,None,"{MESSAGE}"\n',
        "csv-viewer-de": "Ebene;Datum und Uhrzeit;Quelle;Ereignis-ID;Aufgabenkategorie\n"
        f'Informationen;13.12.2019 11:37:53;{SMB_SERVER};3000;Keine;"{MESSAGE}"\n',
        "csv-viewer-ja": "レベル,日付と時刻,ソース,イベント ID,タスクのカテゴリ\n"
        f'情報,2019/12/13 11:37:53,{SMB_SERVER},3000,なし,"{MESSAGE}"\n',
        "json": json.dumps(record, indent=4),
        "json-list": json.dumps([record]),
        "json-shipped": json.dumps(shipped),
        "list": f"\nTimeCreated  : 12/13/2019 11:37:53 AM\nProviderName : {SMB_SERVER}\nId           : 3000\n"
        f"Message      : {indented}\n\n",
        "list-message-first": f"Message      : {indented}\nId           : 3000\nProviderName : {SMB_SERVER}\n"
        "TimeCreated  : 12/13/2019 11:37:53 AM\n",
        "wevtutil-text": f"Event[0]:\n  Log Name: {LOGS[SMB_SERVER]}\n  Source: {SMB_SERVER}\n"
        f"  Date: 2019-12-13T11:37:53.000\n  Event ID: 3000\n  Computer: FS01\n  Description: \n{MESSAGE}\n",
        "xml-userdata": xml(3000, SMB_SERVER, {}, when="2019-12-13T11:37:53Z").replace(
            "<EventData></EventData>",
            "<UserData><EventData xmlns='Smb3'><ClientName>10.0.0.9</ClientName></EventData></UserData>",
        ),
        "xml-in-text": LANGUAGES["en"].format(date="12/13/2019 11:37:53 AM", id=3000, message=MESSAGE)
        + "\nEvent Xml:\n"
        + xml(3000, SMB_SERVER, {"ClientName": "10.0.0.9"}, when="2019-12-13T11:37:53Z").replace(
            "><", ">\n<"
        ),
    }


@pytest.mark.parametrize("form", exported())
def test_one_event_in_every_form_is_one_machine_once(form: str) -> None:
    text = exported()[form]
    assert IMPORTER.recognises(text)
    (one,), tally = of_text(KIND, text)
    found = told(one)
    assert found.pop("seen") is not None
    assert found == {**AT, "dialect": Dialect.NT1}
    assert not tally.not_understood


def test_messages_alone_are_known_by_their_words() -> None:
    sightings, _ = of_text(KIND, MESSAGE + "\n\n" + MESSAGE.replace("10.0.0.9", "10.0.0.8"))
    assert [told(one) for one in sightings] == [
        {**AT, "dialect": Dialect.NT1},
        {"address": "10.0.0.8", "dialect": Dialect.NT1},
    ]


@pytest.mark.parametrize("language", LOGON_TEXTS)
def test_a_logon_alone_is_known_by_its_words(language: str) -> None:
    assert IMPORTER.recognises(LOGON_TEXTS[language])
    (one,), _ = of_text(KIND, LOGON_TEXTS[language])
    assert told(one) == {**WS9, "logon": Logon.NTLMV1}


def test_the_security_log_by_the_name_that_event_viewer_shows() -> None:
    text = LANGUAGES["en"].format(date="2019-12-13 11:37:53", id=4624, message=LOGON_TEXTS["en"])
    text = text.replace(LOGS[SMB_SERVER], "Security").replace(
        SMB_SERVER, "Microsoft Windows security auditing."
    )
    assert IMPORTER.recognises(text)
    (one,), _ = of_text(KIND, text)
    assert one.logon is Logon.NTLMV1


def test_the_table_of_get_winevent_cuts_the_address_off_and_asks_for_the_message() -> None:
    text = (
        f"   ProviderName: {SMB_SERVER}\n\nTimeCreated                     Id LevelDisplayName Message\n"
        "-----------                     -- ---------------- -------\n"
        "12/13/2019 11:37:53 AM        3000 Information      SMB1 access...\n"
    )
    assert IMPORTER.recognises(text)
    sightings, tally = of_text(KIND, text)
    assert not sightings
    assert tally.not_understood == {meaning.NOBODY: 1}
    assert tally.notices == [ASK_MESSAGE]


@pytest.mark.parametrize(
    ("when", "year"),
    [("9/14/30828 2:48:05 AM", None), ("Mo Sep", None), ("03/04/2020 17:06", None), ("2019-12-13", 2019)],
)
def test_a_date_that_cannot_be_read_costs_the_date_alone(when: str, year: int | None) -> None:
    (one,), tally = of_text(KIND, LANGUAGES["en"].format(date=when, id=3000, message=MESSAGE))
    assert one.address == "10.0.0.9"
    assert (one.seen.year if one.seen else None) == year
    assert sum(tally.not_understood.values()) == (year is None)


def test_one_clear_date_settles_the_order_of_day_and_month() -> None:
    text = "\n\n".join(
        LANGUAGES["en"].format(date=date, id=3000, message=MESSAGE)
        for date in ("25/03/2020 10:00:00", "04/03/2020 10:00:00")
    )
    sightings, _ = of_text(KIND, text)
    assert [one.seen.month for one in sightings if one.seen] == [3, 3]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "10.0.0.9"><!ENTITY f SYSTEM "file:///etc/passwd">]>\n'
    "<Events>\n"
)


def test_entities_are_never_expanded() -> None:
    text = BOMB + xml(3000, SMB_SERVER, {"ClientName": "&a;"}) + xml(3000, SMB_SERVER, {"ClientName": "&f;"})
    sightings, tally = of_text(KIND, text + xml(3000, SMB_SERVER, {"ClientName": "10.0.0.8"}) + "</Events>")
    assert [one.address for one in sightings] == ["10.0.0.8"]
    assert sum(tally.not_understood.values()) == 2


def test_a_file_that_is_cut_off_gives_what_is_whole() -> None:
    whole = xml(3000, SMB_SERVER, {"ClientName": "10.0.0.9"})
    sightings, tally = of_text(KIND, whole + "\n" + whole[:200])
    assert len(sightings) == 1
    assert sum(tally.not_understood.values()) == 1


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        (
            "Get-WinEvent : No events were found that match the specified criteria.\nAt line:1 char:1\n",
            "",
        ),
        (f"Get-WinEvent : Access is denied to {LOGS[SMB_SERVER]}\n", "administrator"),
        ("Get-WinEvent : There is not an event log on the localhost computer\n", "There is not an event log"),
    ],
)
def test_an_error_in_the_place_of_events(text: str, nothing: str) -> None:
    sightings, tally = of_text(KIND, text)
    assert not sightings
    assert (nothing in tally.answers_nothing) if nothing else not tally.answers_nothing


def test_samba_has_events_of_its_own() -> None:
    samba = {
        "timestamp": "2024-01-01T10:00:00",
        "type": "Authentication",
        "Authentication": {"eventId": 4624},
    }
    assert not IMPORTER.recognises(json.dumps(samba))
