"""A change as two files or as a diff: what it comes to as lines that are set and taken out."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.importing.differing import difference
from harness.importing.patches import both_sides
from harness.servers.base import Conf
from harness.servers.brought import Account, Brought, Instead

LINES = st.lists(
    st.sampled_from(["a\n", "b = 1\n", "[share]\n", "\n", "-- x\n", "@@ -1 +1 @@\n"]), max_size=9
)


def brought(conf: Conf, *instead: Instead) -> Brought:
    return Brought("office", ("smb.conf",), "trixie", conf, instead=instead)


def patch(before: str, after: str) -> bytes:
    """As git diff prints it, but without its own first lines."""
    made = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/smb.conf", "b/smb.conf")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline\n" for line in made).encode()


def test_what_differs_is_set_and_taken_out() -> None:
    before = Conf(
        {"min protocol": "NT1", "ntlm auth": "yes", "deadtime": "5"},
        sections={
            "Docs": {"writeable": "yes", "comment": "a, b: c"},
            "Old": {},
            "printers": {"printable": "yes"},
        },
    )
    after = Conf(
        {"server min protocol": "SMB3", "NTLM Auth": "Yes"},
        sections={"DOCS": {"read only": "no", "comment": "x (y"}, "New": {}, "pdf": {"printable": "yes"}},
    )
    gone = Instead("global", "preexec", "/bin/x", "is left out: it is a command")
    found = difference(brought(before), brought(after, gone))
    assert found.parts == (
        "set(server min protocol=SMB3)",
        "unset(deadtime)",
        "set([Docs] comment=x \\(y)",
        "set([Old] available=no)",
        "set([New] available=yes)",
    )
    assert [line.partition(":")[0] for line in found.left_out] == [
        "the share [Old] is gone after the change",
        "the share [printers] is gone after the change",
        "the share [New] is new with the change",
        "the share [pdf] is new with the change",
        "[global] preexec = /bin/x of the change",
    ]
    assert difference(brought(before), brought(before)).parts == ()


def test_a_share_that_comes_is_there_before_the_change_and_not_available() -> None:
    """With its lines, its folder's mode, what is done instead in it, and whom the file after it names."""
    trap = Instead("attic", "preexec", "/bin/x", "is left out: it is a command")
    other = Instead("docs", "magic script", "x", "is left out: it is a command")
    before = replace(
        brought(Conf(sections={"docs": {}})), accounts=(Account("anna", ("office",)), Account("bob"))
    )
    after = replace(
        brought(
            Conf(sections={"docs": {}, "attic": {"valid users": "@store", "Available": "1"}}), trap, other
        ),
        accounts=(Account("Anna", ("store",)), Account("store-member", ("store",))),
        modes={"docs": 0o700, "attic": 0o750},
    )
    found = difference(before, after)
    assert found.before.conf.sections == {
        "docs": {},
        "attic": {"valid users": "@store", "available": "no"},
    }
    assert found.before.accounts == (
        Account("anna", ("office", "store")),
        Account("bob"),
        Account("store-member", ("store",)),
    )
    assert found.before.modes == {"attic": 0o750}
    assert found.before.instead == (trap,)
    assert [line.partition(" of the change")[0] for line in found.left_out][1:] == ["[docs] magic script = x"]
    assert difference(after, before).before == after


def test_what_stands_for_a_home_that_is_not_there_refuses_otherwise() -> None:
    homes, none = brought(Conf(sections={"docs": {}, "homes": {}})), brought(Conf(sections={"docs": {}}))
    for found in (difference(homes, none), difference(none, homes)):
        assert "refuses a home with STATUS_ACCESS_DENIED" in found.left_out[0]


@given(LINES, LINES)
def test_a_diff_gives_both_sides_whichever_of_them_is_there(one: list[str], other: list[str]) -> None:
    before, after = "".join(one), "".join(other)
    if before == after:
        return
    made = patch(before, after)
    sides = (before.encode(), after.encode())
    assert both_sides(made, sides[0], "smb.conf") == sides
    # The diff may fit on both sides of what it gives; then it is taken as the one before the change.
    again = both_sides(made, sides[1], "smb.conf")
    assert again == sides or again[0] == sides[1]


def test_the_working_tree_is_the_side_after_the_change() -> None:
    before, after = "[global]\nserver min protocol = NT1\n", "[global]\nserver min protocol = SMB3"
    found = both_sides(patch(before, after), after.encode(), "smb.conf")
    assert found == (before.encode(), after.encode())


@pytest.mark.parametrize(
    "head", ["--- a/etc/smb.conf\n+++ b/etc/smb.conf\n", "--- smb.conf\n+++ /dev/null\n"]
)
def test_of_a_diff_of_several_files_that_of_the_file_counts(head: str) -> None:
    other = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+c\n"
    mine = f"diff --git a/etc/smb.conf b/etc/smb.conf\n{head}@@ -1 +1 @@\n-a\n+b\n"
    for text in (other + mine, mine + other):
        assert both_sides(text.encode(), b"a\n", "/srv/office/smb.conf") == (b"a\n", b"b\n")


def test_colours_do_not_count() -> None:
    """git diff --color=always, as it goes into a pipe."""
    text = "\x1b[1m--- a/x\x1b[m\n\x1b[1m+++ b/x\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n"
    text += "\x1b[31m-a\x1b[m\n\x1b[32m+\x1b[m\x1b[32mb\x1b[m\n"
    assert both_sides(text.encode(), b"a\n", "smb.conf") == (b"a\n", b"b\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no change in what was given"),
        ("nothing of the kind\n", "no change in what was given"),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n", "cut off, or no unified one"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-q\n+b\n", "fits smb.conf neither"),
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
            "0 of them are called",
        ),
        (
            "--- a/a/smb.conf\n+++ b/a/smb.conf\n@@ -1 +1 @@\n-a\n+b\n"
            "--- smb.conf\n+++ smb.conf\n@@ -1 +1 @@\n-a\n+b\n",
            "2 of them are called smb.conf",
        ),
        ("1c1\n< a\n---\n> b\n", "no change in what was given as a unified diff"),
    ],
)
def test_what_is_no_diff_of_the_file_is_told(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        both_sides(text.encode(), b"a\n", "smb.conf")
