"""What getfacl(1) prints of a server's folders, as the lab's folders have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from agreeing import brought
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.importing import acl
from harness.importing.acl import Folder

PRINTED = """\
# file: /srv/docs
# owner: root
# group: office
# flags: -s-
user::rwx
user:anna:r-x
group::r-x
group:Domain\\040Users:rwx\t#effective:r-x
mask::r-x
other::---
default:user::rwx
default:group::r-x
default:other::---

# file: srv/d\\303\\251p\\303\\264t
# owner: nobody
# group: nogroup
user::rwx
group::rwx
other::r-x

"""
"""Of getfacl 2.3.1: with and without -p, with an access control list and a folder without one."""


def test_folders_have_the_bits_that_their_lists_come_to() -> None:
    assert acl.folders(PRINTED, "acl.txt") == {
        "srv/docs": Folder(0o2750, ("user:anna:r-x", "group:Domain Users:rwx")),
        "srv/dépôt": Folder(0o775),
    }


def test_shares_have_the_folders_of_their_paths(conf: Path) -> None:
    text = "[docs]\npath = /srv/docs/\n[d]\npath = /srv/dépôt\n[gone]\npath = /srv/gone\n"
    text += "[homes]\n[each]\npath = /srv/%U\n[p]\nprintable = yes\npath = /srv/p\n"
    made = brought(conf, text, folders=acl.folders(PRINTED, "acl.txt"))
    assert made.modes == {"docs": 0o2750, "d": 0o775}
    told = {one.section: (one.value, one.done) for one in made.instead if one.parameter == acl.ACL}
    assert told["docs"] == ("user:anna:r-x, group:Domain Users:rwx", acl.TOGETHER)
    assert "is not in what getfacl printed" in told["gone"][1]
    assert set(told) == {"docs", "gone"}
    assert not brought(conf, text).modes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "printed no folder"),
        ("drwxr-x--- 2 root office 4096 /srv\n", "acl.txt:1: 'drwxr-x"),
        ("# file: srv\nowner@:rwxpdDaARWcCos:fd:allow\n", "acl.txt:2: "),
        ("# file: srv\nuser::rwx\nother::r--\n", "acl.txt: srv: there is no line group::"),
        ("user::rwx\n", "acl.txt:1: "),
        ("# file: srv\nuser::rwx\ngroup::\x1b[2J\n", "acl.txt:3: "),
    ],
)
def test_what_it_did_not_print_is_one_line(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        acl.folders(text, "acl.txt")
    assert why in str(refused.value)
    assert "getfacl -p" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@given(st.text(max_size=80), st.integers(0, len(PRINTED)))
def test_any_text_is_read_or_refused(some: str, at: int) -> None:
    for text in (
        some,
        PRINTED[:at] + some + PRINTED[at:],
        f"# file: {some}\nuser::rwx\ngroup::r-x\nother::---\n",
    ):
        try:
            found = acl.folders(text, "acl.txt")
        except UsageError:
            continue
        assert all(0 <= one.mode <= 0o7777 for one in found.values())
