"""smbstatus as text and as JSON: what each sample of the field must tell, and the whole kind of its trap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from inventory import needs_samples, of_text, read, sample, told

from harness.fleet.sighting import Sighting
from harness.model import Dialect

RULE = "-" * 100
SESSIONS = f"PID  Username  Group  Machine  Protocol Version  Encryption  Signing\n{RULE}\n"
SHARES = f"Service      pid     Machine       Connected at    Encryption   Signing\n{RULE}\n"


at = datetime.fromisoformat


def by_host(found: list[Sighting]) -> dict[str, set[str]]:
    """Each address or name, and the dialects that it is said to have spoken."""
    hosts: dict[str, set[str]] = {}
    for one in found:
        spoken = hosts.setdefault(one.address or one.name, set())
        spoken |= {one.dialect.value} if one.dialect else {one.unknown_dialect} - {""}
    return hosts


# -- samples ------------------------------------------------------------------------------------------


@needs_samples
def test_sample_01_a_group_as_a_number_and_a_date_with_two_blanks() -> None:
    found, opened = read(sample("01"))
    assert by_host(found) == {f"192.168.1.{last}": {"3.1.1"} for last in (242, 243, 244, 245)}
    assert [one.seen for one in found][4:] == [
        at("2021-05-16T11:55:36"),
        at("2021-05-17T10:56:56"),
        at("2021-05-18T09:52:38"),
        at("2021-11-05T23:07:13"),
    ]
    assert not opened.tally.not_understood


@needs_samples
def test_sample_02_a_cluster_whose_sessions_stand_there_once_a_share() -> None:
    found, opened = read(sample("02"))
    assert by_host(found) == {f"10.63.0.{last}": {"3.1.1"} for last in (41, 28, 36, 11)}
    assert len(found) == 7
    assert not opened.tally.not_understood
    assert any("nobody" in notice for notice in opened.tally.notices)


@needs_samples
def test_sample_02c_shares_with_blanks_and_a_pid_that_is_no_number() -> None:
    found, opened = read(sample("02c"))
    assert [told(one) for one in found] == [{"address": "192.168.1.245", "seen": at("2022-09-19T18:34:17")}]
    assert not opened.tally.not_understood
    assert any("loopback" in notice for notice in opened.tally.notices)


@needs_samples
@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("02d", {}),
        ("03", {f"10.66.208.{last}": {"2.0.2"} for last in (149, 159, 169)}),
        ("07", {"10.0.0.2": {"SMB3_12"}, "10.66.208.149": set(), "10.0.0.100": set()}),
        (
            "08",
            {
                "10.200.27.155": {"2.1"},
                "10.200.27.16": {"NT LM 0.12"},
                "10.200.28.25": {"NT LM 0.12"},
                "10.200.28.26": {"2.1"},
                "2001:db8:ff00:8c42:ff08:ac8:0:221": {"2.1"},
                "client22": set(),
            },
        ),
        ("19", {"192.0.2.7": {"3.1.1"}}),
        ("21", {f"192.168.10.{last}": {"3.1.1"} for last in (143, 120, 104)}),
        ("05", {}),
        ("05b", {"192.168.122.83": {"2.0.2"}, "192.168.122.235": {"2.0.2"}}),
    ],
)
def test_a_sample_has_these_machines(name: str, hosts: dict[str, set[str]]) -> None:
    found, opened = read(sample(name))
    assert by_host(found) == hosts
    assert not opened.tally.not_understood
    assert opened.tally.answers_nothing == ""


@needs_samples
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("03b", "sessionid.tdb"),
        ("20b", "no client has connected"),
        ("23", "not run as root"),
        ("05d", "no sessions, only open_files"),
        ("05e", "no sessions, only its heading"),
    ],
)
def test_a_sample_answers_nothing_and_says_why(name: str, why: str) -> None:
    found, opened = read(sample(name))
    assert found == []
    assert why in opened.tally.answers_nothing


# -- rows of the text ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        "12  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
        "1:19801  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
        "12  ann maria  Domain Users of Site B  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
        "12  CORP\\ann  CORP\\domain users  10.0.0.5 (10.0.0.5:51426)  SMB2_10  -  -",
        "12  ann  staff  10.0.0.5 (10.0.0.5)  SMB2_10  -  -",
        "12  ann  staff  10.0.0.5  SMB2_10  -  -",
        "12  (auth in progress)  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
        "12  averyveryverylonguser averyveryverylonggroup 10.0.0.5 (ipv4:10.0.0.5:51426) SMB2_10 - -",
        "12  ann  (old) staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -   ",
        "12  ann  staff  10.0.0.5 (ipv6:::ffff:10.0.0.5:51426)  SMB2_10  -  -",
        "12  安  社員  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
        "-1  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -",
    ],
)
def test_a_row_is_read_whatever_its_names_are(row: str) -> None:
    found, tally = of_text("smbstatus", SESSIONS + row)
    facts = {"address": "10.0.0.5", "dialect": Dialect.SMB2_10, "signed": False, "encrypted": False}
    assert [told(one) for one in found] == [facts]
    assert not tally.not_understood


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("ipv6:2001:db8::1:49152", "2001:db8::1"),
        ("ipv6:2001:db8::1:445", "2001:db8::1"),
        ("ipv6:fe80::1%eth0:50000", "fe80::1"),
        ("2001:0DB8::0001", "2001:db8::1"),
        ("[2001:db8::1]:445", "2001:db8::1"),
        ("ipv6:::ffff:192.0.2.4:50000", "192.0.2.4"),
    ],
)
def test_an_address_has_one_form(host: str, address: str) -> None:
    found, _ = of_text("smbstatus", f"{SESSIONS}12  ann  staff  pc7 ({host})  SMB3_11  -  -")
    assert [(one.address, one.name) for one in found] == [(address, "pc7")]


@pytest.mark.parametrize(
    ("columns", "signed", "encrypted", "cipher"),
    [
        ("-  -", False, False, ""),
        ("-  partial(AES-128-CMAC)", False, False, ""),
        ("-  HMAC-SHA256", True, False, ""),
        ("AES-128-GCM  AES-128-GMAC", True, True, "AES-128-GCM"),
        ("partial(AES-256-GCM)  partial(AES-128-GMAC)", None, True, "AES-256-GCM"),
        ("-  anonymous(AES-128-CMAC)", False, False, ""),
        ("-  ???", False, False, ""),
    ],
)
def test_signing_and_encryption_have_degrees(
    columns: str, signed: bool | None, encrypted: bool, cipher: str
) -> None:
    row = f"12  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB3_11  {columns}"
    ((one,), _) = of_text("smbstatus", SESSIONS + row)
    assert (one.signed, one.encrypted, one.cipher) == (signed, encrypted, cipher)


@pytest.mark.parametrize("name", ["SMB3_12", "SMB2_22", "SMB3_10", "Unknown (0x0222)", "LANMAN2"])
def test_a_dialect_that_no_document_knows_is_told(name: str) -> None:
    row = f"12  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  {name}  -  -"
    ((one,), tally) = of_text("smbstatus", SESSIONS + row)
    assert (one.dialect, one.unknown_dialect, one.address) == (None, name, "10.0.0.5")
    assert any(name in notice for notice in tally.notices)


@pytest.mark.parametrize(
    "heading",
    [
        "PID     Username      Group         Machine                        ",  # 3.0 to 4.1
        "PID     Username     Group        Machine                                   Protocol Version",
        "Samba version 3.6.3\nPID     Username      Group         Machine",
    ],
)
@pytest.mark.parametrize("rule", [f"\n{RULE}", ""])
def test_old_releases_have_fewer_columns(heading: str, rule: str) -> None:
    has = "Protocol" in heading
    row = " 1234   ann          Domain Users  pc7          (192.168.0.2)" + ("  NT1" if has else "")
    found, tally = of_text("smbstatus", f"{heading}{rule}\n{row}")
    assert [(one.address, one.name, one.signed) for one in found] == [("192.168.0.2", "pc7", None)]
    assert found[0].dialect == (Dialect.NT1 if has else None)
    assert any("before 4.2" in notice and "%R" in notice for notice in tally.notices) is not has


def test_of_old_releases_the_table_of_shares_is_read_too() -> None:
    text = "Service      pid     machine       Connected at\n---------------\n"
    text += "team 2014 files  26731   pc7   Tue Nov 18 12:25:44 2014"
    ((one,), tally) = of_text("smbstatus", text)
    assert told(one) == {"name": "pc7", "seen": at("2014-11-18T12:25:44")}
    assert any("has no dialects" in notice for notice in tally.notices)


@pytest.mark.parametrize(
    ("date", "seen"),
    [
        ("Sun May 16 11:55:36 AM 2021 CEST", at("2021-05-16T11:55:36")),
        ("Sun 16 May 2021 12:05:36 AM CEST", at("2021-05-16T00:05:36")),
        ("Mon May 31 17:23:44 2021 UTC", datetime(2021, 5, 31, 17, 23, 44, tzinfo=UTC)),
        ("Mo Sep 19 18:34:17 2022 CEST", at("2022-09-19T18:34:17")),
        ("Di Mär  2 08:00:01 2021 CET", at("2021-03-02T08:00:01")),
        ("mar. mars  2 08:00:01 2021 CET", at("2021-03-02T08:00:01")),
        ("sam. mai  1 12:05:00 2021 CEST", at("2021-05-01T12:05:00")),
        ("월  5월 31 17시 23분 44초 2021 KST", at("2021-05-31T17:23:44")),
        ("2021년 05월 31일 (월) 오후 05시 23분 44초 KST", at("2021-05-31T17:23:44")),
        ("月  5月 31 17時23分44秒 2021 JST", at("2021-05-31T17:23:44")),
        ("2021年05月31日 17時23分44秒 JST", at("2021-05-31T17:23:44")),
        ("Thu Sep 14 02:48:05 30828 UTC", None),
        ("30828-09-14T05:48:05+03:00", None),
        ("Mon Jan  1 00:00:00 1601 UTC", None),
        ("Mon Feb 31 17:23:44 2021 UTC", None),
        ("some day or other", None),
    ],
)
def test_dates_of_any_locale(date: str, seen: datetime | None) -> None:
    found, tally = of_text("smbstatus", f"{SHARES}team share   4642    192.0.2.9     {date}     -    -")
    assert [(one.address, one.seen) for one in found] == [("192.0.2.9", seen)]
    # A year in which nobody connects is Windows's "never", and no mistake of the line.
    assert bool(tally.not_understood) is (seen is None and "30828" not in date)


def test_the_share_says_nothing_of_the_session() -> None:
    rows = "a  1  192.0.2.9  Mon May 31 17:23:44 2021 UTC  -  -\n"
    rows += "b  1  192.0.2.9  Mon May 31 17:23:44 2021 UTC  AES-128-GCM  -"
    found, _ = of_text("smbstatus", SHARES + rows)
    assert [(one.signed, one.encrypted) for one in found] == [(None, None), (None, True)]


@pytest.mark.parametrize(
    "line",
    [
        "Can't open sessionid.tdb",
        "smbstatus only works as root!",
        "/var/lib/samba/lock/locking.tdb not initialised",
        "Unable to initialize messaging context!",
        "Failed to initialize session_global: NT_STATUS_ACCESS_DENIED\nCan't open sessionid.tdb",
        "bash: smbstatus: command not found",
        "Couldn't open connections database",
        "\nNo locked files\n",
    ],
)
def test_a_message_in_the_place_of_tables_is_no_answer(line: str) -> None:
    found, tally = of_text("smbstatus", line)
    assert found == []
    assert tally.answers_nothing
    _, whole = of_text("smbstatus", f"{line}\n{SESSIONS}")
    assert whole.answers_nothing == ""


def test_what_stands_around_the_tables_is_passed_over() -> None:
    row = "12  ann  staff  10.0.0.5 (ipv4:10.0.0.5:51426)  SMB2_10  -  -\n"
    text = f"using configfile = /etc/samba/smb.conf\nroot@nas:~# smbstatus\n{SESSIONS}{row}\n"
    text += (
        "Locked files:\nPid  User(ID)  DenyMode\n"
        + RULE
        + "\n12  1000  DENY_NONE  x  Can't open sessionid.tdb"
    )
    found, tally = of_text("smbstatus", text)
    assert [one.address for one in found] == ["10.0.0.5"]
    assert (tally.answers_nothing, dict(tally.not_understood)) == ("", {})


def test_a_row_without_a_machine_is_counted_and_shown() -> None:
    rows = "".join(f"{number} cut\n" for number in range(50))
    found, tally = of_text("smbstatus", SESSIONS + rows)
    assert found == []
    assert tally.not_understood.total() == 50
    assert [len(examples) for examples in tally.examples.values()] == [3]


def test_hostile_names_pass_as_they_are() -> None:
    name = "\x1b[31m<b>\u202epc"
    found, _ = of_text("smbstatus", f"{SESSIONS}12  ann  staff  {name} (ipv4:10.0.0.5:51426)  SMB2_10  -  -")
    assert [one.name for one in found] == [name]
