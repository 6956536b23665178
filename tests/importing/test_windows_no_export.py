"""What is no output of PowerShell about a Windows server: one clear line each, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from windows_server import LIST, SERVER, SHARES, brought, text

from harness.errors import UsageError
from harness.importing import bring as importing
from harness.importing.windows import texts
from harness.importing.windows.properties import OF_SERVERS, OF_SHARES
from harness.servers import description


@pytest.mark.parametrize(
    ("server", "shares", "why"),
    [
        (b"", None, "is empty"),
        (text(SERVER)[:200], None, "is cut off, or no JSON"),
        (text(SERVER)[:-1] + ",}", None, "no JSON"),
        ("[]", None, "has no property in it"),
        ("[1, 2]", None, "has 1 where an object is expected"),
        ("null", None, "has no property in it"),
        ("[" * 100_000, None, "nested too deeply"),
        ('{"EnableSMB1Protocol": ' + "9" * 5000 + "}", None, "server.json: "),
        ({"Colour": "red"}, None, "is not what Get-SmbServerConfiguration tells; it has 'Colour'"),
        (SHARES, None, "holds shares, not the server's configuration"),
        (SERVER, SERVER, "holds a server's configuration, not its shares"),
        (SERVER, [{"Colour": "red"}], "is not what Get-SmbShare tells"),
        ([SERVER, SERVER], None, "the configurations of 2 servers"),
        ({"EnableSMB1Protocol": "yes"}, None, "EnableSMB1Protocol is 'yes', where True or False"),
        ({"Smb2DialectMin": 5}, None, "where SMB202"),
        ({"EncryptionCiphers": "ROT13"}, None, "'ROT13'"),
        ({"LmCompatibilityLevel": 9}, None, "0 to 5"),
        ({"EnableSMB1Protocol": False, "EnableSMB2Protocol": False}, None, "nobody connects"),
        ({"Smb2DialectMin": "SMB311", "Smb2DialectMax": "SMB300"}, None, "newer than Smb2DialectMax"),
        (SERVER, [{"Name": "a", "Path": "x", "CachingMode": 17}], "a: CachingMode is 17"),
        (
            "Get-SmbServerConfiguration : Access is denied.\n    + CategoryInfo          : Permission\n",
            None,
            "is an error message of PowerShell: 'Get-SmbServerConfiguration : Access is denied.'",
        ),
        (
            "\x1b[31;1mGet-SmbServerConfiguration: \x1b[31;1mAccess is denied.\x1b[0m",
            None,
            "is an error message",
        ),
        ("<Objs Version='1.1.0.1'/>", None, "neither JSON nor a list"),
        ("[global]\n  server min protocol = NT1\n", None, "is a smb.conf of a Samba"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\0\xff", None, "is no text"),
    ],
)
def test_what_is_none_is_one_clear_line(tmp_path: Path, server: object, shares: object, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        brought(tmp_path, server, shares)
    said = str(caught.value).split(".json: ", 1)[1]
    assert why.removeprefix("server.json: ") in said
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_windows_server_is_no_smb_conf(tmp_path: Path) -> None:
    for data in (text(SERVER).encode("utf-16"), LIST.encode(), text(SHARES).encode()):
        (tmp_path / "smb.conf").write_bytes(data)
        with pytest.raises(UsageError, match="says of a Windows server") as caught:
            importing.bring(tmp_path / "smb.conf", name="x", by=Nobody())
        assert "--windows-server" in str(caught.value.hint)


class Nobody:
    """A judge that is never asked."""

    image = title = ""
    modules: frozenset[str] = frozenset()
    operations: frozenset[str] | None = None

    def ask(self, text: str) -> Any:
        raise AssertionError(text)


_VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=3)
)
_RECORDS = st.dictionaries(st.sampled_from([*OF_SERVERS, *OF_SHARES, "Odd"]), _VALUES, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    first=st.binary(max_size=200) | st.text(max_size=200) | st.lists(_RECORDS, max_size=3),
    second=st.none() | st.binary(max_size=200) | st.lists(_RECORDS, max_size=3),
)
def test_nothing_but_a_usage_error_comes_of_anything(tmp_path: Path, first: object, second: object) -> None:
    try:
        made = brought(tmp_path, first, second)
    except UsageError as error:
        said = str(error)
    except UnicodeEncodeError:
        # A lone surrogate, which no file can hold.
        said = ""
    else:
        said = ""
        assert description.parse(description.text(made)) == made
    assert "\n" not in said


@pytest.mark.parametrize("comment", ["\x1b[31m", "C:\\", "%$(HOME)"])
def test_a_comment_that_smb_conf_cannot_have_is_shown_or_left_out(tmp_path: Path, comment: str) -> None:
    server = {**SERVER, "AnnounceComment": comment}
    made = brought(tmp_path, server, [{"Name": "a", "Path": "C:\\a", "Description": comment}])
    assert description.parse(description.text(made)) == made
    kept = made.conf.globals.get("server string", ""), made.conf.sections["a"].get("comment", "")
    told = {one.parameter for one in made.instead}
    assert kept == ("", "") or kept == (r"\x1b[31m",) * 2
    assert ({"AnnounceComment", "Description"} <= told) is (kept == ("", ""))


@settings(max_examples=60)
@given(st.text(alphabet='{}[]":,-: \nPS>ABCName', max_size=80))
def test_any_text_is_read_or_refused(some: str) -> None:
    said = "f: "
    try:
        texts.records(some.encode("utf-16"), "f", "")
    except UsageError as error:
        said = str(error)
    assert said.startswith("f: ")
