"""One event of a Windows log, whatever it was exported as: XML, CSV, JSON or text in one of its languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

_LONGEST: Final = 200
"""Characters of a label, a provider or a log that are looked at: none that is known has more."""
_OTHER_THAN_LETTERS = re.compile(r"[\s:：_]+")


class Area(StrEnum):
    """Who writes events of a number: the same number means another thing elsewhere."""

    SMB_SERVER = "SMBServer"
    SMB_CLIENT = "SMBClient"
    SECURITY = "Security"
    NTLM = "NTLM"
    LSA = "LsaSrv"
    OTHER = "other"
    UNSAID = ""
    """The source does not tell; then the number decides."""


_AREAS: Final = (
    ("smbserver", Area.SMB_SERVER),
    ("smbclient", Area.SMB_CLIENT),
    # The log NTLM/Operational of a domain controller is written by Netlogon.
    ("ntlm", Area.NTLM),
    ("security-netlogon", Area.NTLM),
    ("security-auditing", Area.SECURITY),
    ("lsasrv", Area.LSA),
)
_SECURITY_LOGS: Final = frozenset({"security", "sicherheit", "セキュリティ", "보안", "sécurité"})


def area_of(provider: str, channel: str) -> Area:
    """Who wrote an event, by its provider ("Source") and its log."""
    return _area_of(provider[:_LONGEST], channel[:_LONGEST])


@lru_cache(maxsize=256)
def _area_of(provider: str, channel: str) -> Area:
    said = f"{provider} {channel}".casefold().strip()
    if not said:
        return Area.UNSAID
    joined = said.replace(" ", "-")
    for word, area in _AREAS:
        if word in joined:
            return area
    return Area.SECURITY if not _SECURITY_LOGS.isdisjoint(said.split()) else Area.OTHER


@dataclass(slots=True)
class Event:
    """What one event says, before it is known what that means."""

    number: int
    """The line on which it begins."""
    id: int = 0
    provider: str = ""
    channel: str = ""
    when: str = ""
    computer: str = ""
    """The machine that wrote it."""
    data: dict[str, str] = field(default_factory=dict)
    """Its named values, by names as ``key`` makes them."""
    values: list[str] = field(default_factory=list)
    """Its values without a name, in their order."""
    message: str = ""
    head: str = ""
    """Its beginning, for the user."""

    @property
    def area(self) -> Area:
        return area_of(self.provider, self.channel)


def key(label: str) -> str:
    """A label or name of a value as it is compared: no blanks, no colon, small letters."""
    return _key(label[:_LONGEST])


@lru_cache(maxsize=1024)
def _key(label: str) -> str:
    return _OTHER_THAN_LETTERS.sub("", label).casefold()


HEADINGS: Final[Mapping[str, str]] = {
    key(word): what
    for what, words in {
        "channel": "Log Name|LogName|Channel|Protokollname|ログの名前|로그 이름|Nom du journal",
        "provider": "Source|ProviderName|Provider|Quelle|ソース|원본|SourceName",
        "when": "Date|Date and Time|TimeCreated|TimeGenerated|Datum|Datum und Uhrzeit|日付|日付と時刻|날짜|"
        "날짜 및 시간|SystemTime|Time|@timestamp|timestamp|Date et heure",
        "id": "Event ID|EventID|Id|Ereignis-ID|イベント ID|이벤트 ID|ID de l’événement|ID de l'événement|"
        "event.code",
        "computer": "Computer|MachineName|コンピューター|コンピュータ|컴퓨터|Ordinateur|"
        "PSComputerName|computer_name",
        "message": "Description|Message|Beschreibung|説明|설명|メッセージ",
    }.items()
    for word in words.split("|")
}
"""What stands before the message, in the languages of Event Viewer, wevtutil and Get-WinEvent."""

LABELS: Final[Mapping[str, str]] = {
    key(word): what
    for what, words in {
        "clientname": "Client Name|Nom du client|Clientname|クライアント名",
        "clientaddress": "Client Address|Clientadresse|Client-Adresse|クライアント アドレス|클라이언트 주소"
        "|Adresse du client",
        "servername": "Server Name|Servername|サーバー名",
        "logontype": "Logon Type|Anmeldetyp|ログオン タイプ|ログオンの種類",
        "targetusersid": "Security ID|Sicherheits-ID|セキュリティ ID",
        "workstationname": "Workstation Name|Workstation|Arbeitsstationsname|Arbeitsstation|"
        "Arbeitsstationname|ワークステーション名|ワークステーション|"
        "Source Workstation|Quellarbeitsstation|ソース ワークステーション",
        "ipaddress": "Source Network Address|Quellnetzwerkadresse|ソース ネットワーク アドレス|"
        "Source Address|Quelladresse|送信元アドレス|ソース アドレス",
        "lmpackagename": "Package Name (NTLM only)|Paketname (nur NTLM)|パッケージ名 (NTLM のみ)",
        "authenticationpackagename": "Authentication Package|Authentifizierungspaket|認証パッケージ",
        "status": "Status|状態|ステータス|Error Code|Fehlercode|エラー コード",
        "substatus": "Sub Status|Unterstatus|サブ ステータス|サブステータス",
        "targetname": "Target server|Zielserver|ターゲット サーバー|対象サーバー",
    }.items()
    for word in words.split("|")
}
"""Labels within messages, in English, German and Japanese, by the names that XML has for the same values.

Those of logon events stand in public forum posts and parsers of these languages. Of the SMBServer log no
translated message was found: the labels are those that Windows has for the same words elsewhere, and what
is labelled in another way is found by its address.
"""
