"""Logs of Samba and Linux: what each sample of the field must tell, and the whole kind of its trap."""

from __future__ import annotations

from datetime import datetime

import pytest
from inventory import needs_samples, of_text, read, sample, told

from harness.fleet.sighting import Logon, Sighting
from harness.model import Dialect

ALL = (Dialect.NT1, Dialect.SMB2_02, Dialect.SMB2_10)
WRONG = "NT_STATUS_WRONG_PASSWORD"
at = datetime.fromisoformat


def entry(message: str, pid: int = 0, file: str = "smb2_negprot.c", function: str = "f") -> str:
    """A message of smbd with its heading; of ``debug pid = yes`` where a process is named."""
    head = f"3, pid={pid}, effective(0, 0), real(0, 0)" if pid else "3"
    return f"[2026/11/29 23:11:47.306583,  {head}] source3/smbd/{file}:368({function})\n  {message}\n"


def allowed(address: str, pid: int = 0) -> str:
    return entry(f"Allowed connection from {address} ({address})", pid, "access.c", "allow_access")


def offer(*names: str, pid: int = 0) -> str:
    return "".join(entry(f"Requested protocol [{name}]", pid) for name in names)


def selected(name: str, pid: int = 0) -> str:
    return entry(f"Selected protocol {name}", pid)


def sentence(
    password: str, address: str, service: str = "SMB2", status: str = "NT_STATUS_OK", **more: str
) -> str:
    user, workstation = more.get("user", "ann"), more.get("workstation", "PC7")
    became = f" became [NAS]\\[x] [{more['sid']}]" if "sid" in more else ""
    return (
        f"Auth: [{service},(null)] user [D]\\[{user}] at [Sun, 29 Nov 2026 23:11:47.390027 UTC]"
        f" with [{password}] status [{status}] workstation [{workstation}]"
        f" remote host [ipv4:{address}:46610]{became}."
        " local host [ipv4:192.0.2.1:445]"
    )


def of_log(text: str, source: str = "log.smbd") -> list[Sighting]:
    found, tally = of_text("smbd-log", text, source)
    assert not tally.not_understood
    return found


# -- samples ------------------------------------------------------------------------------------------


@needs_samples
def test_sample_10_what_is_offered_is_not_what_is_chosen() -> None:
    found, opened = read(sample("10"))
    first, second = (told(one) for one in found)
    common = {"address": "10.148.1.2", "dialect": Dialect.NT1, "offered": ALL, "smb1_asked": True}
    assert first == common | {"name": "PC1", "logon": Logon.NTLMV2, "seen": at("2015-10-21T12:46:03")}
    assert second == common | {
        "logon": Logon.KERBEROS,
        "refused": "NT_STATUS_LOGON_FAILURE",
        "seen": at("2015-10-21T12:46:04"),
    }
    assert any("Bad encryption type" in notice and "keytab" in notice for notice in opened.tally.notices)


@needs_samples
def test_sample_11_a_modern_dialect_and_an_old_logon() -> None:
    found, _ = read(sample("11"))
    assert [told(one) for one in found] == [
        {
            "address": "192.168.50.199",
            "name": "USER7-PC",
            "smb2": True,
            "logon": Logon.NTLMV1,
            "refused": "NT_STATUS_WRONG_PASSWORD",
            "seen": at("2019-04-04T13:35:01"),
        }
    ]


@needs_samples
def test_sample_12_a_guest_that_signs() -> None:
    found, opened = read(sample("12"))
    assert [told(one) for one in found] == [
        {
            "address": "192.168.1.14",
            "smb2": True,
            "logon": Logon.GUEST,
            "refused": "NT_STATUS_ACCESS_DENIED",
            "seen": at("2019-09-25T15:01:47"),
        }
    ]
    assert any("signing is what was refused, not permissions" in notice for notice in opened.tally.notices)


@needs_samples
def test_sample_26_the_list_worked_and_tells_nothing_of_clients() -> None:
    found, opened = read(sample("26"))
    assert found == []
    assert "nothing of clients" in opened.tally.answers_nothing
    assert any("list itself worked" in notice for notice in opened.tally.notices)


@needs_samples
def test_sample_27_the_kernel_speaks_of_its_own_machine() -> None:
    found, opened = read(sample("27"))
    assert {(one.name, one.address, one.dialect, one.refused) for one in found} == {("host", "", None, "")}
    notices = " ".join(opened.tally.notices)
    for words in ("-13 is EACCES", "abruptly closed", "which machine wrote them", "no SMB1"):
        assert words in notices


# -- dialects -----------------------------------------------------------------------------------------


def test_an_smb1_frame_is_no_use_of_smb1() -> None:
    text = allowed("192.0.2.7") + offer("NT LM 0.12", "SMB 2.002", "SMB 2.???")
    text += selected("SMB2_FF") + selected("SMB 2.???") + selected("SMB3_11")
    ((one,),) = (of_log(text),)
    assert (one.dialect, one.offered, one.smb1_asked) == (Dialect.SMB3_11, ALL, True)


@pytest.mark.parametrize(
    ("name", "dialect", "unknown"),
    [
        ("NT LM 0.12", Dialect.NT1, ""),
        ("NT LANMAN 1.0", Dialect.NT1, ""),
        ("SMB2_02", Dialect.SMB2_02, ""),
        ("SMB 2.002", Dialect.SMB2_02, ""),
        ("SMB2_10", Dialect.SMB2_10, ""),
        ("SMB3_00", Dialect.SMB3_00, ""),
        ("SMB3_02", Dialect.SMB3_02, ""),
        ("SMB2_24", None, "SMB2_24"),
        ("LANMAN2.1", None, "LANMAN2.1"),
    ],
)
def test_the_dialect_is_the_one_that_was_selected(name: str, dialect: Dialect | None, unknown: str) -> None:
    (one,) = of_log(allowed("192.0.2.7") + selected(name))
    assert (one.dialect, one.unknown_dialect, one.smb1_asked) == (dialect, unknown, False)


@pytest.mark.parametrize("who", ["reply_negprot: ", "smb2_multi_protocol_reply_negprot: ", ""])
def test_a_client_of_smb1_alone_that_is_refused(who: str) -> None:
    text = allowed("192.0.2.7") + offer("LANMAN1.0", "NT LM 0.12") + entry(f"{who}No protocol supported !")
    (one,) = of_log(text)
    assert (one.smb1_refused, one.offered, one.dialect) == (True, (Dialect.NT1,), None)
    text = text.replace("LANMAN1.0", "SMB 2.002")
    (one,) = of_log(text)
    assert one.smb1_refused is False


def test_processes_are_told_apart_by_their_numbers() -> None:
    text = allowed("192.0.2.7", 71) + allowed("192.0.2.8", 72) + offer("NT LM 0.12", pid=72)
    text += selected("SMB3_11", 71) + selected("NT LM 0.12", 72)
    text += entry(sentence("NTLMv1", "192.0.2.8", "SMB"), 72) + entry(sentence("NTLMv2", "192.0.2.7"), 71)
    assert {(one.address, one.dialect, one.logon) for one in of_log(text)} == {
        ("192.0.2.7", Dialect.SMB3_11, Logon.NTLMV2),
        ("192.0.2.8", Dialect.NT1, Logon.NTLMV1),
    }


def test_without_numbers_clients_that_come_at_once_get_no_dialect_of_another() -> None:
    text = allowed("192.0.2.7") + allowed("192.0.2.8") + selected("NT LM 0.12")
    found, tally = of_text("smbd-log", text)
    assert found == []
    assert any("debug pid = yes" in reason for reason in tally.not_understood)
    after, _ = of_text("smbd-log", text + entry(sentence("NTLMv2", "192.0.2.7")))
    assert [(one.address, one.dialect, one.smb2, one.logon) for one in after] == [
        ("192.0.2.7", None, True, Logon.NTLMV2)
    ]


def test_without_numbers_clients_that_come_one_after_the_other_are_told_apart() -> None:
    text = allowed("192.0.2.7") + selected("SMB3_11") + entry(sentence("NTLMv2", "192.0.2.7"))
    # A share is used: smbd says the same as when somebody connects.
    text += allowed("192.0.2.7") + allowed("192.0.2.8") + selected("SMB2_10")
    text += allowed("192.0.2.7") + selected("NT LM 0.12")
    assert [(one.address, one.dialect, one.logon) for one in of_log(text)] == [
        ("192.0.2.7", Dialect.SMB3_11, Logon.NTLMV2),
        ("192.0.2.8", Dialect.SMB2_10, None),
        ("192.0.2.7", Dialect.NT1, None),
    ]


@pytest.mark.parametrize(
    ("source", "address", "name"),
    [
        ("log.pc7", "", "pc7"),
        ("/var/log/samba/log.192.0.2.7", "192.0.2.7", ""),
        ("log.pc7.old", "", "pc7"),
        ("log.fe80::1", "fe80::1", ""),
    ],
)
def test_a_log_for_each_client_names_it(source: str, address: str, name: str) -> None:
    (one,) = of_log(selected("SMB3_11"), source)
    assert (one.address, one.name) == (address, name)


@pytest.mark.parametrize("source", ["log.smbd", "log.winbindd", "log.smbd.1", "log.txt", "smbd.log", "mylog"])
def test_other_logs_name_nobody(source: str) -> None:
    found, tally = of_text("smbd-log", selected("SMB3_11"), source)
    assert found == []
    assert tally.not_understood


@pytest.mark.parametrize(
    "text",
    [
        "[2026/11/29 23:11:47,  3] smbd/negprot.c:704(reply_negprot)\n  Selected protocol NT LM 0.12",
        "[2026/11/29 23:11:47.306583,  3, pid=7, effective(0, 0), class=smb2] Selected protocol NT1",
        "Nov 29 23:11:47 nas smbd[7]: [2026/11/29 23:11:47.306583,  3] a.c:1(f)\n"
        "Nov 29 23:11:47 nas smbd[7]:   Selected protocol NT LM 0.12",
        "  Selected protocol NT LM 0.12",
    ],
)
def test_headings_of_every_form(text: str) -> None:
    (one,) = of_log(text, "log.pc7")
    assert one.dialect is Dialect.NT1


# -- logons -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "logon", "refused"),
    [
        (sentence("NTLMv2", "192.0.2.7"), Logon.NTLMV2, ""),
        (sentence("NTLMv1", "192.0.2.7", status=WRONG), Logon.NTLMV1, WRONG),
        (sentence("LANMan", "192.0.2.7"), Logon.NTLMV1, ""),
        (sentence("No-Password", "192.0.2.7", user="", sid="S-1-5-21-1-2-3-501"), Logon.ANONYMOUS, ""),
        (sentence("(null)", "192.0.2.7", user="", sid="S-1-5-21-1-2-3-501"), Logon.ANONYMOUS, ""),
        (sentence("No-Password", "192.0.2.7", status=WRONG), None, WRONG),
        (sentence("NTLMv2", "192.0.2.7", sid="S-1-5-21-1-2-3-501"), Logon.GUEST, ""),
        (sentence("NTLMv2", "192.0.2.7", sid="S-1-5-21-1-2-3-1501"), Logon.NTLMV2, ""),
        ("Successful AuthZ: [SMB2,krb5] user [D]\\[ann] [S-1-5-21-1-2-3-1104] at [x]"
         " Remote host [ipv4:192.0.2.7:1] local host [ipv4:192.0.2.1:445]", Logon.KERBEROS, ""),
        ("Successful AuthZ: [SMB2,NTLMSSP] user [D]\\[ann] [S-1-5-21-1-2-3-1104] at [x]"
         " Remote host [ipv4:192.0.2.7:1] local host [ipv4:192.0.2.1:445]", Logon.NTLM, ""),
        ("Successful AuthZ: [SMB2,NTLMSSP] user [NT AUTHORITY]\\[ANONYMOUS LOGON] [S-1-5-7] at [x]"
         " Remote host [ipv4:192.0.2.7:1] local host [ipv4:192.0.2.1:445]", Logon.ANONYMOUS, ""),
        ('{"timestamp": "2026-11-29T23:11:59.769997+0000", "type": "Authentication", "Authentication":'
         ' {"version": {"major": 1, "minor": 3}, "status": "NT_STATUS_OK",'
         ' "remoteAddress": "ipv4:192.0.2.7:47414", "serviceDescription": "SMB2",'
         ' "clientAccount": "ann", "workstation": "", "becameSid": "S-1-5-21-1-2-3-1104",'
         ' "passwordType": "NTLMv1"}}', Logon.NTLMV1, ""),
        ('  JSON Authorization: {"type": "Authorization", "Authorization": {'
         ' "remoteAddress": "ipv4:192.0.2.7:1", "serviceDescription": "SMB2", "authType": "krb5",'
         ' "account": "ann", "sid": "S-1-5-21-1-2-3-1104", "x": "SMB"}}', Logon.KERBEROS, ""),
    ],
)  # fmt: skip
def test_how_it_logged_on_does_not_depend_on_the_dialect(
    text: str, logon: Logon | None, refused: str
) -> None:
    for found in (of_text("samba-auth", text)[0], of_log(entry(text))):
        ((one,),) = (found,)
        assert (one.address, one.logon, one.refused) == ("192.0.2.7", logon, refused)
        assert (one.dialect, one.smb2) == (None, True)


def test_a_logon_over_smb1_tells_the_dialect() -> None:
    ((one,), _) = of_text("samba-auth", sentence("NTLMv2", "192.0.2.7", "SMB"))
    assert (one.dialect, one.smb2, one.name) == (Dialect.NT1, False, "PC7")


@pytest.mark.parametrize("service", ["LDAP", "Kerberos KDC", "DCE/RPC", "winbind"])
def test_logons_to_other_services_are_left_out(service: str) -> None:
    found, tally = of_text("samba-auth", sentence("NTLMv1", "192.0.2.7", service))
    assert found == []
    assert any("other services" in notice for notice in tally.notices)


def test_what_a_domain_controller_was_asked_names_the_client_and_not_the_server() -> None:
    ((one,), _) = of_text("samba-auth", sentence("NTLMv1", "192.0.2.99", "SamLogon"))
    assert told(one).keys() == {"name", "logon", "seen"}
    assert (one.name, one.logon) == ("PC7", Logon.NTLMV1)


def test_two_logons_of_one_connection_are_two_sightings() -> None:
    text = allowed("192.0.2.7") + selected("SMB3_11")
    text += entry(sentence("NTLMv1", "192.0.2.7", status="NT_STATUS_WRONG_PASSWORD"))
    text += entry(sentence("NTLMv2", "192.0.2.7"))
    assert [(one.logon, one.dialect, one.refused) for one in of_log(text)] == [
        (Logon.NTLMV1, Dialect.SMB3_11, "NT_STATUS_WRONG_PASSWORD"),
        (Logon.NTLMV2, Dialect.SMB3_11, ""),
    ]


@pytest.mark.parametrize(("size", "logon"), [(24, Logon.NTLMV1), (260, Logon.NTLMV2), (0, None)])
def test_the_length_of_a_response_tells_its_version(size: int, logon: Logon | None) -> None:
    text = selected("SMB2_10") + entry(f"Got user=[ann] domain=[D] workstation=[PC7] len1=24 len2={size}")
    (one,) = of_log(text, "log.pc7")
    assert (one.logon, one.name) == (logon, "PC7")


def test_ntlmv1_that_is_refused_needs_no_other_line() -> None:
    text = selected("SMB3_11") + entry("ntlm_password_check: NTLMv1 passwords NOT PERMITTED for user ann")
    (one,) = of_log(text, "log.pc7")
    assert (one.dialect, one.logon, one.refused) == (
        Dialect.SMB3_11,
        Logon.NTLMV1,
        "NT_STATUS_WRONG_PASSWORD",
    )


def test_encryption_that_a_client_cannot_do() -> None:
    text = allowed("192.0.2.7") + selected("SMB2_10")
    text += entry("reject session with dialect[0x0210] as encryption is required")
    (one,) = of_log(text)
    assert (one.cannot_encrypt, one.refused, one.dialect) == (
        True,
        "NT_STATUS_ACCESS_DENIED",
        Dialect.SMB2_10,
    )


def test_the_system_that_an_smb1_client_names() -> None:
    text = allowed("192.0.2.7") + selected("NT LM 0.12")
    text += entry(
        "NativeOS=[Windows 2002 2600 Service Pack 3] NativeLanMan=[Windows 2002 5.1] PrimaryDomain=[]"
    )
    (one,) = of_log(text)
    assert one.said == "Windows 2002 2600 Service Pack 3"


def test_signed_connect_is_no_word_on_signing() -> None:
    text = selected("SMB3_11") + entry(
        "pc7 (ipv4:192.0.2.7:1) signed connect to service x initially as user ann"
    )
    (one,) = of_log(text)
    assert (one.address, one.name, one.signed) == ("192.0.2.7", "pc7", None)


def test_records_that_are_cut_off_are_counted() -> None:
    _, tally = of_text("samba-auth", '{"type": "Authentication", "Authentication": {"status": "NT_ST\n\nhm')
    assert tally.not_understood.total() == 2


@pytest.mark.parametrize("kind", ["[]", '{"a": 1}', "null", "7"])
def test_what_names_no_kind_of_record_is_none(kind: str) -> None:
    """A list in the place of that word ended the import in a TypeError."""
    line = f'{{"type": {kind}, "x": {{"type": "Authentication"}}}}'
    found, _ = of_text("samba-auth", line)
    assert found == []


def test_audit_lines_in_the_log_of_smbd_are_read_there() -> None:
    (one,) = of_log(entry("ann|192.0.2.7|pc7|share|NT1|connect|ok|share", 0, "vfs_full_audit.c", "do_log"))
    assert (one.address, one.name, one.dialect) == ("192.0.2.7", "pc7", Dialect.NT1)
