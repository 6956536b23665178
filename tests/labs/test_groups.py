"""The groups that a configuration names, and the account's place in them."""

from __future__ import annotations

import pytest

from harness.labs.groups import group_file, groups
from harness.labs.roots.rootfs import FILES
from harness.servers.base import Conf


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, {}),
        ({"valid users": "rehearse"}, {}),
        ({"valid users": "@staff"}, {"staff": True}),
        (
            {"valid users": 'bob, +staff;@"Domain Users" &+net'},
            {"staff": True, "Domain Users": True, "net": True},
        ),
        ({"Valid Users": "@%S @a:b"}, {}),
        ({"force group": "the staff"}, {"the staff": True}),
        ({"force group": "+staff"}, {"staff": True}),
        (
            {"write list": "@a", "read list": "@b", "invalid users": "@c @a"},
            {"a": True, "b": False, "c": False},
        ),
        ({"admin users": "root"}, {}),
        ({"comment": "@staff"}, {}),
    ],
)
def test_the_groups_of_a_configuration(settings: dict[str, str], found: dict[str, bool]) -> None:
    assert groups(Conf(share=settings)) == found
    assert groups(Conf(settings)) == found, "[global] has the defaults of shares"


def test_a_group_file() -> None:
    text = group_file(Conf(share={"valid users": "@staff @nogroup", "invalid users": "@bad"}))
    own, new = text.splitlines()[:3], text.splitlines()[3:]
    assert new == ["bad:x:64500:", "staff:x:64501:rehearse"]
    assert own == [line + "rehearse" * line.startswith("nogroup") for line in FILES["etc/group"].splitlines()]
    assert group_file(Conf()) == FILES["etc/group"]
