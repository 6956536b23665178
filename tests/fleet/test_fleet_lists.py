"""Lists that people keep: kinds of clients with numbers, and devices with their models."""

from __future__ import annotations

from pathlib import Path

import pytest
from inventory import of_text, told

from harness.fleet.importers import asset_list, client_list
from harness.fleet.importers._device_table import UNFIT, shipped_personas
from harness.fleet.sighting import Role

LISTED = {"role": Role.LISTED}


@pytest.mark.parametrize(
    "text",
    [
        "client,count\nwindows-7,19\n",
        "count;client\n19;windows-7\n",
        "Anzahl\tPersona\n19\twindows-7\n",
        '"client" | "count"\n"windows-7" | "19"\n',
        "sep=;\n# of Monday\n\nClient;Anzahl\nwindows-7;19\n\n",
        "クライアント,台数\nwindows-7,19\n",
        "클라이언트,수량\nwindows-7,19\n",
        "windows-7,19\n",
        "19;windows-7\n",
        "client,count\nwindows-7,19\nTotal,19\n",
        "client,count\nclient,count\nwindows-7,19\n",
        "no,client,count,remark\n1,windows-7,19,\n",
    ],
)
def test_a_list_of_clients_however_it_is_written(text: str) -> None:
    assert client_list.IMPORTER.recognises(text)
    assert not asset_list.IMPORTER.recognises(text)
    (one,), tally = of_text("clients", text)
    assert (one.persona, one.count, one.role) == ("windows-7", 19, Role.LISTED)
    assert not tally.not_understood


def test_words_that_are_no_persona_stay_words() -> None:
    text = 'client;count\nWindows-7;2\n"old Kyocera; 2nd floor";3\nscanner;1.200\n10.0.0.5;1\nws 7;\n'
    sightings, tally = of_text("clients", text)
    assert [told(one) for one in sightings] == [
        {**LISTED, "said": "Windows-7", "count": 2},
        {**LISTED, "said": "old Kyocera; 2nd floor", "count": 3},
        {**LISTED, "said": "scanner", "count": 1200},
        {**LISTED, "address": "10.0.0.5"},
        {**LISTED, "said": "ws 7"},
    ]
    assert not tally.not_understood


@pytest.mark.parametrize("count", ["12", "12,0", "12.00", "12 Stück", "12 pcs", "12台"])
def test_a_whole_number_however_a_spreadsheet_writes_it(count: str) -> None:
    sightings, tally = of_text("clients", f"client;count\noffice-scanner;{count}\n")
    assert [one.count for one in sightings] == [12]
    assert not tally.not_understood


@pytest.mark.parametrize("count", ["many", "-3", "3.5", "99999999999999999999", "9" * 5000])
def test_a_count_that_is_none_costs_its_row_alone(count: str) -> None:
    sightings, tally = of_text("clients", f"client;count\nwindows-xp;{count}\nwindows-7;19\n;4\nx;0\n")
    assert [one.persona for one in sightings] == ["windows-7"]
    assert sum(tally.not_understood.values()) == 2


def test_the_personas_are_those_that_are_shipped() -> None:
    folder = Path(client_list.__file__).parents[2] / "clients" / "personas"
    assert {"windows-7", "office-scanner"} <= shipped_personas()
    assert len(shipped_personas()) == len(list(folder.glob("*.toml")))


DHCP = """#TYPE Microsoft.Management.Infrastructure.CimInstance
"IPAddress","ScopeId","AddressState","ClientId","HostName","LeaseExpiryTime"
"10.0.0.5","10.0.0.0","Active","00-11-32-aa-bb-cc","nas.example.test","3/5/2024 10:11:00 AM"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DHCP, {"address": "10.0.0.5", "name": "nas.example.test"}),
        (
            "Hostname;IP-Adresse;Hersteller;Modell;Betriebssystem\nPC-01;10.0.0.1;Dell;OptiPlex;Windows 7\n",
            {"name": "PC-01", "address": "10.0.0.1", "said": "Dell, OptiPlex, Windows 7"},
        ),
        (
            "ホスト名,IPアドレス,メーカー,機種\n複合機 2F,10.0.0.9,リコー,MP C3003\n",
            {"name": "複合機 2F", "address": "10.0.0.9", "said": "リコー, MP C3003"},
        ),
        (
            "호스트 이름,IP 주소,제조사,모델,운영 체제\nPC,10.0.0.2,삼성,X,\n",
            {"name": "PC", "address": "10.0.0.2", "said": "삼성, X"},
        ),
        (
            '"Name","DNSHostName","OperatingSystem"\n"FS","FS.x.test","Windows Server 2012 R2"\n',
            {"name": "FS", "said": "Windows Server 2012 R2"},
        ),
        (
            'MAC Address,Vendor Class,IP Address\n00:80:77:01,"Brother, NC-8700w",10.0.0.6\n',
            {"address": "10.0.0.6", "said": "Brother, NC-8700w"},
        ),
        (
            "Device Name\tManufacturer\tModel\tManufacturer\nBRN01\tBrother\tDCP-L8410\tBrother\n",
            {"name": "BRN01", "said": "Brother, DCP-L8410"},
        ),
        ("hostname,persona\nws7,windows-7\n", {"name": "ws7", "said": "windows-7", "persona": "windows-7"}),
    ],
)
def test_a_list_of_devices_says_their_makes_in_its_own_words(text: str, says: dict[str, str]) -> None:
    assert asset_list.IMPORTER.recognises(text)
    assert not client_list.IMPORTER.recognises(text)
    (one,), tally = of_text("assets", text)
    assert told(one) == {**LISTED, **says}
    assert not tally.not_understood


def test_bad_rows_cost_themselves_alone() -> None:
    text = (
        'hostname,model,notes\nws1,Dell,24" display\n"ws2,never closed,x\nws3,a,b,c\n,,\n-,-,\n'
        "localhost,x,\nws4,\x1b[31mred\u202e,\n"
    )
    sightings, tally = of_text("assets", text)
    assert [(one.name, one.said) for one in sightings] == [
        ("ws1", 'Dell, 24" display'),
        ("ws2", "never closed, x"),
        ("ws4", "[31mred"),
    ]
    assert tally.not_understood[UNFIT] == 1
    assert sum(tally.not_understood.values()) == 2


@pytest.mark.parametrize(
    "text",
    [
        "hello, world\nthis is, no list\n",
        "TimeCreated,Id,Message,MachineName\n1,2,3,4\n",
        "ClientComputerName,Dialect\nws1,3.1.1\n",
        "a,b\n1,2\n",
        "[2019/10/29 15:29:32,  3] process_smb\n",
    ],
)
def test_what_is_no_list_is_none(text: str) -> None:
    assert not client_list.IMPORTER.recognises(text)
    assert not asset_list.IMPORTER.recognises(text)
