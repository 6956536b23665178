"""What is done instead of what the lab cannot have: hosts, modules, users of a domain; no Samba is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from agreeing import brought, done


class TestInstead:
    @pytest.mark.parametrize(
        ("parameter", "value", "kept"),
        [
            ("hosts allow", "192.168. 10.0.0.0/8", "127.0.0.0/8 192.168. 10.0.0.0/8"),
            ("allow hosts", "192.168.1. EXCEPT 192.168.1.7", "127.0.0.0/8 192.168.1. EXCEPT 192.168.1.7"),
            ("hosts allow", "localhost pc7.example.test", "127.0.0.0/8"),
            ("hosts allow", "127.0.0.1 192.168.", "127.0.0.0/8 127.0.0.1 192.168."),
            ("hosts deny", "ALL EXCEPT 192.168.", "ALL EXCEPT 127.0.0.0/8 192.168."),
            ("hosts deny", "127.0.0.1 10.1.", "10.1."),
        ],
    )
    def test_the_lab_is_among_the_hosts_inside(
        self, conf: Path, parameter: str, value: str, kept: str
    ) -> None:
        made = brought(conf, f"[x]\n{parameter} = {value}\n")
        assert [*made.conf.sections["x"].values()] == [kept]
        assert done(made, parameter)

    @pytest.mark.parametrize("value", ["", "192.168. 127.", "ALL", "0.0.0.0/0"])
    def test_hosts_that_let_the_lab_in_stay_as_they_are(self, conf: Path, value: str) -> None:
        made = brought(conf, f"[global]\nhosts allow = {value}\n[x]\n")
        assert made.conf.globals == {"hosts allow": value}
        assert [one for one in made.instead if "hosts" in one.parameter] == []

    def test_to_keep_the_server_itself_out_keeps_nobody_out(self, conf: Path) -> None:
        made = brought(conf, "[x]\nhosts deny = 127. 127.0.0.1\n")
        assert made.conf.sections == {"x": {}}
        assert "it names 127., 127.0.0.1, which is the server itself" in done(made, "hosts deny")

    def test_another_file_by_who_connects_is_told(self, conf: Path) -> None:
        made = brought(conf, "[global]\nconfig file = /etc/samba/smb.conf.%m\n[x]\n")
        assert "instead of this one depends on who connects" in done(made, "config file")

    def test_another_servers_share_is_a_folder_here_and_that_is_told(self, conf: Path) -> None:
        made = brought(conf, "[x]\nmsdfs root = yes\nmsdfs proxy = \\far\\x\n")
        assert made.conf.sections == {"x": {"msdfs root": "yes"}}
        assert "the share is a folder of the lab's own" in done(made, "msdfs proxy")

    def test_modules_that_are_not_there_are_left_out_of_the_list(self, conf: Path) -> None:
        made = brought(conf, "[a]\nvfs objects = recycle snapper\n[b]\nvfs object = worm\n")
        assert made.conf.sections == {"a": {"vfs objects": "recycle"}, "b": {"vfs objects": ""}}
        assert done(made, "vfs objects").startswith("snapper is no VFS module")
        assert done(made, "vfs object").startswith("worm is not in the lab's packages")

    def test_operations_that_the_release_cannot_audit_are_left_out_of_the_list(self, conf: Path) -> None:
        made = brought(conf, "[a]\nfull_audit:success = pwrite !rename mkdirat\nfull_audit:failure = rmdir\n")
        assert made.conf.sections["a"] == {
            "full_audit:success": "pwrite mkdirat",
            "full_audit:failure": "none",
        }
        assert "without !rename" in done(made, "full_audit:success")

    def test_security_by_share_is_a_guest_for_who_has_no_account(self, conf: Path) -> None:
        made = brought(conf, "[global]\nsecurity = SHARE\n[x]\npublic = yes\n")
        assert made.conf.globals == {"map to guest": "Bad User"}
        assert "map to guest = Bad User" in done(made, "security")

    def test_a_path_that_depends_on_who_connects_and_none_at_all_are_told(self, conf: Path) -> None:
        made = brought(conf, "[a]\npath = /srv/%U\n[b]\n[c]\npath = /srv/c\n[homes]\npath = /volume1/%U\n")
        assert {one.section: one.parameter for one in made.instead} == {"a": "path", "b": "path"}

    @pytest.mark.parametrize("name", ["a/b", "a\\b", "a\tb\x01", "x" * 90])
    def test_a_share_that_nobody_can_open_is_left_out(self, conf: Path, name: str) -> None:
        made = brought(conf, f"[{name}]\n[y]\n")
        assert [*made.conf.sections] == ["y"]
        assert done(made, "(section)")

    def test_who_users_of_a_domain_are_is_about_the_domain(self, conf: Path) -> None:
        made = brought(conf, "[global]\nidmap config * : backend = tdb\nnot:known = 1\n[x]\n")
        assert "about a domain" in done(made, "idmap config * : backend")
        assert "no option" in done(made, "not:known")

    def test_the_name_of_a_printer_is_no_command(self, conf: Path) -> None:
        made = brought(conf, "[x'; touch y; ']\nprintable = yes\n[laser 1]\nprint ok = yes\n")
        assert [*made.conf.sections] == ["laser 1"]
