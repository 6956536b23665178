"""Which settings may stand in a lab's smb.conf: every parameter that a release knows was judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labs import namespace
from harness.labs.local import LocalLab
from harness.servers import allowed, left_out
from harness.servers.base import parameter_key
from harness.servers.samba_release import IMAGES
from harness.system.process import run

TEXTS = ("P_STRING", "P_USTRING", "P_CMDLIST", "P_LIST")
"""The types of parameters that may hold a command, a path or an address."""
LINES = {
    *("comment", "server string", "fstype", "volume"),
    *("hide files", "veto files", "veto oplock files", "dont descend", "aio write behind"),
}
"""Those of them that may hold any text: clients see it, or compare their names of files with it."""
KNOWN = re.compile(r"(?P<name>[^=\n]+)=(?P<type>P_\w+),(?P<rest>.*)")


@cache
def known_by(root: Path) -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """ "local" and "global": the parameters of that kind, and what testparm says of each."""
    argv = namespace.in_image(root, ["/usr/bin/testparm", "--show-all-parameters"])
    said = run(argv, timeout=60).check("testparm").stdout
    parts = re.split(r"^\[(\w+)\]\n", said, flags=re.MULTILINE)[1:]
    return {
        kind: {found["name"]: (found["type"], found["rest"]) for found in KNOWN.finditer(text)}
        for kind, text in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.local_lab
@pytest.mark.parametrize("image", [image.name for image in IMAGES])
class TestOfARelease:
    def test_every_parameter_was_judged(self, lab: LocalLab, image: str) -> None:
        known = known_by(lab.root(image))
        names = {*known["local"], *known["global"]}
        assert len(names) > 400
        judged = {parameter_key(name) for name in (*allowed.RULES, *allowed.SYNONYMS)} | left_out.judged()
        assert {name for name in names if parameter_key(name) not in judged} == set()

    def test_no_parameter_that_may_hold_a_command_or_a_path_takes_one(
        self, lab: LocalLab, image: str
    ) -> None:
        known = known_by(lab.root(image))
        texts = {name for kind in known.values() for name, (type_, _) in kind.items() if type_ in TEXTS}
        assert len(texts) > 120
        for evil in ("/tmp/x", "|/bin/x", "`x`", "/bin/sh -c 'x %u'", "ldap://192.0.2.1", "../../x; x"):
            assert {name for name in texts if not allowed.refusal(name, evil)} <= LINES, evil

    def test_what_counts_in_a_share_is_what_the_release_has_for_shares(
        self, lab: LocalLab, image: str
    ) -> None:
        known = known_by(lab.root(image))
        here = {name for kind in known.values() for name in kind if parameter_key(name) in allowed._SPELLED}
        assert {name for name in here if allowed.of_shares(name)} == here & set(known["local"])

    def test_a_synonym_is_the_same_parameter_to_the_release(self, lab: LocalLab, image: str) -> None:
        known = known_by(lab.root(image))
        for name, (_, rest) in ((name, said) for kind in known.values() for name, said in kind.items()):
            of = re.search(r"synonym of ([^)]+)", rest)
            if of and parameter_key(name) in allowed._SPELLED:
                main = allowed.spelled(of[1])
                assert allowed.spelled(name) in (
                    main,
                    *(one for one, other in allowed.OPPOSITES.items() if other == main),
                )


def test_what_is_allowed_has_a_name_that_every_release_knows_or_is_newer_than_some() -> None:
    assert {*allowed.SYNONYMS.values()} <= {*allowed.RULES}
    assert not {parameter_key(name) for name in (*allowed.RULES, *allowed.SYNONYMS)} & left_out.judged()


@pytest.mark.parametrize(
    "name",
    [
        "root preexec",
        "ROOTPREEXEC",
        " Root  Pre exec ",
        "exec",
        "include",
        "config file",
        "copy",
        "wins hook",
    ],
)
def test_no_spelling_of_a_command_gets_in(name: str) -> None:
    assert allowed.refusal(name, "touch x").startswith("is left out")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("comment", "one\nroot preexec = x"),
        ("comment", "one\rroot preexec = x"),
        ("comment", "goes on \\"),
        ("comment", "of %$(HOME)"),
        ("comment\nroot preexec", "x"),
        ("gue\u017ft ok", "yes"),
        ("\u212aeepalive", "1"),
        ("guest\u3000ok", "yes"),
        ("vfs objects", "recycle /tmp/x.so"),
        ("vfs objects", "recycle:/tmp/x ../x"),
        ("vfs objects", "+snapper"),
        ("vfs objects", "recycle:/tmp/x"),
        ("recycle:repository", "/srv/bin"),
        ("recycle:repository", "a/../../x"),
        ("fruit:nobody knows", "yes"),
        ("rpc_server:epmapper", "external"),
        ("rpc_daemon:epmd", "fork"),
        ("security", "ads"),
        ("server role", "active directory domain controller"),
        ("unix charset", "EUCJP-MS"),
        ("hosts allow", "printer.example.test"),
        ("hosts allow", "@netgroup"),
        ("printer name", "x'; touch y; '"),
        ("domain logons", "yes"),
    ],
)
def test_a_value_decides_where_a_value_can(name: str, value: str) -> None:
    assert allowed.refusal(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Guest  OK", "yes"),
        ("comment", "公開 = \"x\" & 'y'; %h\tC:\\x"),
        ("valid users", '%S, @"Domain Admins" +staff DOM\\anna'),
        ("vfs object", "catia fruit streams_xattr recycle:two"),
        ("recycle:repository", ".recycle/%U"),
        ("full_audit:prefix", "IP=%I|USER=%u"),
        ("hosts allow", "192.168. 127. 10.0.0.0/8 EXCEPT 10.1.2.3"),
        ("security", "USER"),
        ("domain logons", "No"),
        ("server smb encrypt", "required"),
        ("dos charset", "CP932"),
        ("socket options", "TCP_NODELAY SO_RCVBUF=65536"),
        ("rpc start on demand helpers", "no"),
    ],
)
def test_what_only_changes_how_clients_are_answered_is_allowed(name: str, value: str) -> None:
    assert allowed.refusal(name, value) == ""


def test_a_parameter_has_one_name_whatever_the_release_calls_it() -> None:
    assert allowed.spelled("SMB1  unix extensions") == "unix extensions"
    assert allowed.spelled("server smb encrypt") == "smb encrypt"
    assert allowed.spelled("Min Protocol") == "server min protocol"
    assert allowed.spelled("write ok") == "writeable"
    assert allowed.spelled("Of  nobody") == "Of nobody"


@given(name=st.text(), value=st.text())
def test_any_text_is_judged_and_what_is_allowed_is_one_line_of_utf8(name: str, value: str) -> None:
    for one in (name, "comment"):
        said = allowed.refusal(one, value)
        assert said or (len(f"{one}={value}".encode().splitlines()) == 1 and "%$" not in value)
