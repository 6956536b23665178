"""What is done with includes, characters, templates, people, releases; no Samba is asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from agreeing import brought, done
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import UsageError
from harness.importing.release import nearest
from harness.servers.brought import Account


class TestIncludes:
    def test_what_lies_beside_the_first_file_is_read_in_its_place(self, conf: Path) -> None:
        conf.with_name("more.conf").write_text("os level = 9\n[a]\ncomment = A\n")
        made = brought(conf, "[global]\ninclude = /etc/samba/more.conf\nguest ok = yes\n[b]\n")
        assert made.conf.globals == {"os level": "9"}
        assert made.conf.sections == {"a": {"comment": "A", "guest ok": "yes"}, "b": {}}
        assert made.files == (str(conf), str(conf.with_name("more.conf")))
        assert any("more.conf: read from" in one for one in made.remarks)

    def test_what_is_named_is_read_wherever_it_is(self, conf: Path, tmp_path: Path) -> None:
        other = tmp_path / "named.conf"
        other.write_text("[a]\n")
        text = "[global]\ninclude = /srv/named.conf\n"
        assert [*brought(conf, text, other).conf.sections] == ["a"]
        assert [*brought(conf, text).conf.sections] == ["share"]

    def test_nothing_else_is_opened(self, conf: Path, tmp_path: Path) -> None:
        """Not what lies elsewhere, what a link leads to, or what is no file."""
        secret = tmp_path / "secret"
        secret.write_text("[secret]\n")
        conf.with_name("link").symlink_to(secret)
        os.mkfifo(conf.with_name("pipe"))
        for target in (str(secret), "../secret", "link", "pipe", "/dev/zero", ".", "/", "x\ty" * 500):
            made = brought(conf, f"[x]\ninclude = {target}\n")
            assert [*made.conf.sections] == ["x"]
            assert done(made, "include").startswith(("is left out", "is not read")), target

    def test_a_missing_one_and_one_by_who_connects_are_told(self, conf: Path) -> None:
        made = brought(conf, "[x]\ninclude = /etc/samba/gone.conf\n")
        assert "a Samba that does not find it loads the rest without a word" in done(made, "include")
        conf.with_name("smb.conf.").write_text("[y]\n")
        made = brought(conf, "[x]\ninclude = /etc/samba/smb.conf.%m\n")
        assert "depends on who connects" in done(made, "include")
        assert [*made.conf.sections] == ["x"]

    def test_what_is_in_the_registry_is_told(self, conf: Path) -> None:
        assert "net conf list" in done(brought(conf, "[global]\ninclude = registry\n[x]\n"), "include")

    @pytest.mark.parametrize("target", ["smb.conf", "round.conf"])
    def test_a_circle_ends(self, conf: Path, target: str) -> None:
        conf.with_name("round.conf").write_text("include = smb.conf\n")
        with pytest.raises(UsageError, match="leads back to a file that includes it"):
            brought(conf, f"[x]\ninclude = {target}\n")

    def test_files_that_include_each_other_a_thousand_times_end(self, conf: Path) -> None:
        for number in range(20):
            conf.with_name(f"{number}.conf").write_text(f"include = {number + 1}.conf\nos level = 1\n" * 50)
        with pytest.raises(UsageError, match="more than 20000 lines"):
            brought(conf, "[x]\ninclude = 0.conf\n")


class TestCharacters:
    @pytest.mark.parametrize(
        ("codec", "head"),
        [
            ("cp932", "dos charset = CP932\n"),
            ("cp932", ""),
            ("euc_jp", "unix charset = EUCJP-MS\ndos charset = CP932\n"),
            ("euc_jp", ""),
            ("utf-8", "dos charset = CP932\n"),
        ],
    )
    def test_japanese_is_read_as_the_file_says_or_as_it_looks(
        self, conf: Path, codec: str, head: str
    ) -> None:
        made = brought(conf, f"[global]\n{head}[共有フォルダ]\ncomment = みんなのファイル\n".encode(codec))
        assert made.conf.sections == {"共有フォルダ": {"comment": "みんなのファイル"}}
        assert any("was read as" in one for one in made.remarks) is (codec != "utf-8")

    def test_latin_1_is_read_without_being_named(self, conf: Path) -> None:
        assert [*brought(conf, "[dépôt]\n".encode("latin-1")).conf.sections] == ["dépôt"]

    @pytest.mark.parametrize("word", ["rot13", "zlib", "unicode_escape", "idna", "undefined", "mbcs"])
    def test_no_other_codec_is_used(self, conf: Path, word: str) -> None:
        made = brought(conf, f"[global]\nunix charset = {word}\n[dépôt]\n".encode("latin-1"))
        assert [*made.conf.sections] == ["dépôt"]

    def test_a_letter_whose_last_byte_is_a_backslash_joins_the_next_line(self, conf: Path) -> None:
        """As Samba reads bytes; 表 within a line and in a remark does no harm."""
        text = "[global]\ndos charset = CP932\n# 表\n[表示]\ncomment = 資料ソ\nread only = no\n"
        made = brought(conf, text.encode("cp932"))
        assert "read only" not in made.conf.sections["表示"]
        (told,) = [one for one in made.remarks if "backslash" in one]
        assert told.startswith(f"{conf}:5 ends in 'ソ', whose last byte is a backslash")

    def test_a_line_without_its_sign_is_told(self, conf: Path) -> None:
        assert brought(conf, "[x]\n").remarks == ()
        made = brought(conf, "[global]\nserver min protocol SMB3\n[x]\n\nwritable\n")
        assert f'{conf}: lines 2, 5 have no "=", and Samba ignores what is there' in made.remarks
        made = brought(conf, "[x]\nwritable\n")
        assert f'{conf}: line 2 has no "=", and Samba ignores what is there' in made.remarks

    def test_a_full_width_blank_in_a_name_is_told(self, conf: Path) -> None:
        made = brought(conf, "[global]\nos level = 1\n[x]\nguest　ok = yes\n")
        assert made.conf.sections == {"x": {}}
        assert "as Samba does" in done(made, "guest　ok")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing in it counts"),
        (b"\n\n# only a comment\n", "nothing in it counts"),
        (b"[global]\nworkgroup = A\0\n", r"smb.conf:2: has a NUL byte"),
        ("[global]\r\n".encode("utf-16"), "is UTF-16"),
        ("[global]\r\n".encode("utf-32"), "is UTF-32"),
        (b"[global]\rworkgroup = A\r", "end with CR alone"),
        (b"#!/bin/sh\n[global]\nworkgroup = A\n", "is a script"),
        (b"cat > /etc/samba/smb.conf <<EOF\n[global]\nworkgroup = A\nEOF\n", "is a script"),
        (b"if [ -e x ]; then\n[global]\nos level = 1\nfi\nexit 0\n", "is a script"),
        (b"printf '[global]' >> /var/etc/smb.conf\nos level = 1\n", "is a script"),
        (b"[global]\ntcp port = 445\n", "is a ksmbd.conf"),
        (b"[mysqld]\ninnodb_x = 1\ny = 2\n", "is no smb.conf: no release"),
        (b"\x7fELF\x02\x01\x01\xff\xfe=\x80[\x90\n" * 9, r"smb\.conf"),
        (b"[global]\nserver min protocol = {{ samba_min }}\n", r":2: .*{{ samba_min }} is a template's"),
        (b"[global]\nntlm auth = ${AUTH}\n", "is a template's"),
        (b"[{{ item.name }}]\nguest ok = yes\n", "is a template's"),
        (b"[global]\nserver role = DC\n", "the lab's domain is its own"),
        (
            b"[global]\nconfig file = /etc/samba/real.conf\n[a]\n",
            r":2: config file = /etc.* this one no more",
        ),
        (b"[global]\nconfig backend = Registry\n", "net conf list"),
        (b"x" * (11 * 2**20), "is larger than 1 MiB"),
        (b"[s]\n" + b"\n".join(b"[%d]" % number for number in range(1500)), "1000 at most"),
    ],
    ids=lambda one: one[:20] if isinstance(one, str) else "",
)
def test_what_cannot_be_rehearsed_is_refused_in_one_line(conf: Path, data: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        brought(conf, data)
    assert (
        str(conf) in str(refused.value) or "shares" in str(refused.value) or "template" in str(refused.value)
    )
    assert "\n" not in str(refused.value)


def test_a_template_whose_open_places_decide_nothing_is_brought_along(conf: Path) -> None:
    made = brought(
        conf, "[global]\nnetbios name = |NAME|\ninterfaces = {{ if }}\nserver min protocol = SMB2\n[x]\n"
    )
    assert made.conf.globals == {"server min protocol": "SMB2"}
    assert done(made, "netbios name") == "is left out: |NAME| is to be filled in first"


class TestPeople:
    def test_each_user_is_an_account_and_each_group_has_a_member(self, conf: Path) -> None:
        made = brought(
            conf,
            '[x]\nvalid users = anna, CORP\\bert, @"Domain Users", +CORP\\staff\nadmin users = @admins\n'
            "invalid users = carl@corp.example\nforce group = files\n[homes]\nvalid users = %S\n",
        )
        assert made.accounts == (
            Account("anna"),
            Account("bert"),
            Account("carl"),
            Account("domain-users-member", ("Domain Users",)),
            Account("staff-member", ("staff",)),
            Account("admins-member", ("admins", "Domain Users", "staff")),
            Account("files-member", ("files",)),
        )
        assert made.conf.sections["x"]["valid users"] == 'anna, bert, @"Domain Users", +staff'
        assert "without a domain" in done(made, "valid users")
        assert "without a domain" in done(made, "invalid users")

    def test_a_list_of_names_that_nobody_can_have_lets_not_everybody_in(self, conf: Path) -> None:
        made = brought(conf, "[x]\nvalid users = @`id` a/b\n[y]\nvalid users = anna, <b>\nwrite list = |c\n")
        assert made.conf.sections == {"x": {"valid users": "listed"}, "y": {"valid users": "anna"}}
        assert made.accounts == (Account("listed"), Account("anna"))

    def test_a_share_of_the_user_of_its_name(self, conf: Path) -> None:
        made = brought(conf, "[anna]\nvalid users = %S\n[x]\nwrite list = %U, @%G\n")
        assert made.accounts == (Account("anna"),)

    def test_who_is_forced_is_in_the_group_that_is_asked_of_him(self, conf: Path) -> None:
        """smb.conf(5), force group: with a plus smbd lets nobody in whose "force user" is not in it."""
        text = "[global]\nforce group = +www\n[x]\nforce user = web\n[y]\nforce user = %U\n"
        assert brought(conf, text).accounts == (Account("web", ("www",)), Account("www-member", ("www",)))
        text = "[x]\nforce user = web\nforce group = www\n"
        assert brought(conf, text).accounts == (Account("web"), Account("www-member", ("www",)))

    def test_the_separator_of_winbind_counts(self, conf: Path) -> None:
        made = brought(conf, "[global]\nwinbind separator = +\n[x]\nvalid users = CORP+anna @CORP+staff\n")
        assert made.conf.sections["x"]["valid users"] == "anna @staff"


@pytest.mark.parametrize(
    ("said", "server", "differs"),
    [
        ("Version 4.17.12-Debian", "samba-4.17", False),
        ("samba-4.22", "samba-4.22", False),
        ("4.13", "samba-4.13", False),
        ("Version 4.15.13-Ubuntu", "samba-4.13", True),
        ("Version 4.19.5-Ubuntu", "samba-4.17", True),
        ("Version 3.6.9-169.el6_5", "samba-4.13", True),
        ("Version 5.0.0", "samba-4.25", True),
        ("", "samba-4.25", True),
    ],
)
def test_the_nearest_release_is_taken_and_the_difference_told(said: str, server: str, differs: bool) -> None:
    found, remark = nearest(said, CATALOGUE.servers)
    assert (found.name, bool(remark)) == (server, differs)


def test_a_text_without_a_release_is_refused() -> None:
    with pytest.raises(UsageError, match="smbd -V"):
        nearest("the newest one", CATALOGUE.servers)


PIECES = [
    *(
        "[",
        "]",
        "=",
        "\\",
        "\n",
        "\r\n",
        "\t",
        " ",
        "\u3000",
        '"',
        "%",
        ",",
        ";",
        "#",
        "@",
        "/",
        "\x0b",
        "\x85",
    ),
    *(
        "global",
        "homes",
        "printers",
        "[x]\n",
        "include = smb.conf\n",
        "include = b\n",
        "copy = x\n",
        "-valid=no",
    ),
    *(
        "root preexec = touch /x\n",
        "valid users = @a\\b, +c\n",
        "hosts allow = ",
        "vfs objects = ",
        "guest ok",
        "yes",
    ),
    *(
        "printable = yes\n",
        "server role = ",
        "path = /\n",
        "unix charset = ",
        "{{ x }}",
        "${y}",
        "é",
        "公",
        "EXCEPT ",
    ),
]


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(PIECES), max_size=40).map(lambda some: "".join(some).encode()),
        st.lists(st.sampled_from(PIECES), max_size=40).map(
            lambda some: "".join(some).encode("cp932", "replace")
        ),
        st.text(max_size=200).map(lambda some: some.encode("utf-8", "surrogatepass")),
    )
)
@example(b"=\n")
@example(b"hostsallow=,")
@example(b"hosts allow = \x01, 10.\n")
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_brought_along_harmless_or_refused(tmp_path: Path, data: bytes) -> None:
    try:
        brought(tmp_path / "smb.conf", b"[x]\nos level = 1\n" + data)
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right
