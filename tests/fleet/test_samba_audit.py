"""Lines of full_audit and of the Linux kernel: what is known of a machine by a prefix of the user's own."""

from __future__ import annotations

from datetime import datetime

import pytest
from inventory import of_text, told

from harness.model import Dialect

at = datetime.fromisoformat


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("2026-11-29T23:11:47Z nas smbd_audit[7]: ann|192.0.2.7|connect|ok|share", {"address": "192.0.2.7"}),
        ("smbd_audit: ann|192.0.2.7|pc7|share|connect|ok|share", {"address": "192.0.2.7", "name": "pc7"}),
        ("ann|192.0.2.7|pc7|connect|ok|share", {"address": "192.0.2.7", "name": "pc7"}),
        ("ann|192.0.2.7|share|connect|ok|share", {"address": "192.0.2.7"}),
        ("ann|192.0.2.7|pc7|openat|ok|r|x", {"address": "192.0.2.7"}),
        ("ann|192.0.2.7|192.0.2.7|SMB2_10|connect|ok|share",
         {"address": "192.0.2.7", "dialect": Dialect.SMB2_10}),
        ("192.0.2.7|NT1|ann|connect|ok|share", {"address": "192.0.2.7", "dialect": Dialect.NT1}),
        ("ann smith|192.0.2.7|SMB3_12|unlinkat|fail (Permission denied)|a|b|ok",
         {"address": "192.0.2.7", "unknown_dialect": "SMB3_12"}),
        ("D\\ann|2001:DB8::7|pc7|x|SMB3_11|mkdirat|ok|d",
         {"address": "2001:db8::7", "name": "pc7", "dialect": Dialect.SMB3_11}),
        ("ann|192.0.2.7|LANMAN2|connect|ok|share", {"address": "192.0.2.7", "unknown_dialect": "LANMAN2"}),
        ("ann|192.0.2.7|SMB2|connect|ok|share", {"address": "192.0.2.7", "smb2": True}),
    ],
)  # fmt: skip
def test_the_prefix_is_the_users_own(line: str, facts: dict[str, object]) -> None:
    ((one,), tally) = of_text("full-audit", line)
    assert {name: value for name, value in told(one).items() if name != "seen"} == facts
    assert any("%R" in notice for notice in tally.notices) is not any(
        name in facts for name in ("dialect", "unknown_dialect", "smb2")
    )


def test_lines_of_one_second_that_say_the_same_are_one_sighting() -> None:
    line = "2026-11-29T23:11:47+01:00 nas smbd_audit[7]: ann|192.0.2.7|openat|ok|r|x"
    found, tally = of_text("full-audit", f"{line}\n" * 100 + line.replace(":47", ":48"))
    assert [one.seen.second for one in found if one.seen] == [47, 48]
    assert tally.passed_over == 99


def test_audit_lines_without_an_address_or_a_year_say_so() -> None:
    _, tally = of_text("full-audit", "ann|pc7|connect|ok|share")
    assert any("without an address" in reason for reason in tally.not_understood)
    ((one,), tally) = of_text("full-audit", "Nov  9 01:47:11 nas smbd_audit: ann|192.0.2.7|connect|ok|share")
    assert one.seen is None
    assert any("no year" in notice for notice in tally.notices)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("CIFS: VFS: Use of the less secure dialect vers=1.0 is not recommended unless required for access to"
         " very old servers", (Dialect.NT1,)),
        ("CIFS VFS: Use of the less secure dialect vers=2.0 is not recommended", (Dialect.SMB2_02,)),
        ("CIFS: Attempting to mount //nas/x", ()),
    ],
)  # fmt: skip
def test_a_linux_client_says_which_dialect_it_was_told_to_use(
    line: str, offered: tuple[Dialect, ...]
) -> None:
    ((one,), _) = of_text("cifs-kernel", f"2026-11-29T23:11:47+0100 scanpc kernel: [12.5] {line}")
    assert (one.name, one.offered, one.dialect) == ("scanpc", offered, None)
    assert one.seen == at("2026-11-29T23:11:47+01:00")
