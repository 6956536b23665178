"""The holes of the kernel's server, decided by what its guest tells of the kernel that runs."""

from __future__ import annotations

import re
from datetime import date

import pytest
from known import CATALOGUE

from harness.exposures.base import Subject
from harness.labs.vagrant import ksmbd_internals
from harness.model import Hole, Target
from harness.system.process import run

NOWHERE = Target("127.0.0.1", "share", "user", "secret", 9)
DAY = date(2026, 11, 25)
KERNEL = """\
@@ running
#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1 (2025-08-27)
@@ package
linux-image-6.12.43+deb13-amd64 6.12.43-1
@@ release
ID=debian
VERSION_ID="13"
@@ conf
[global]
tcp port = 445
server multi channel support = yes
[share]
path = /srv
@@ mounts
@@ changelog
CVE-2025-37899
 -- Salvatore Bonaccorso <carnil@debian.org>  Wed, 27 Aug 2025 20:27:26 +0200
 -- Ben Hutchings <ben@decadent.org.uk>  Mon, 05 Aug 2019 02:27:14 +0100
# Older entries have been removed from this changelog.
"""


@pytest.mark.parametrize(
    ("change", "states"),
    [
        (("", ""), {"2025-37899": Hole.CLOSED, "2026-31476": Hole.OPEN, "2026-43376": Hole.OPEN}),
        (("2024-50285", ""), {"2024-50285": Hole.CLOSED}),
        (("server multi channel support = yes", ""), {"2026-31476": Hole.NOT_EXPOSED}),
        (
            ("6.12.43-1", "6.12.80-1"),
            {"2026-31476": Hole.CLOSED, "2026-43376": Hole.CLOSED, "2026-31718": Hole.OPEN},
        ),
        (("6.12.43-1", "6.1.150-1"), {"2024-50285": Hole.OPEN, "2026-31718": Hole.CLOSED}),
        # The installed package is newer than the kernel that runs: its changelog tells nothing of that.
        (("amd64 6.12.43-1", "amd64 6.12.90-1"), {"2025-37899": Hole.CLOSED, "2026-31476": Hole.UNKNOWN}),
        (("Debian 6.12.43-1", "Ubuntu"), {"2025-37899": Hole.UNKNOWN, "2026-31476": Hole.UNKNOWN}),
        # A changelog that begins after the year of the hole.
        (("2019 02", "2025 02"), {"2025-37899": Hole.CLOSED, "2026-31476": Hole.OPEN}),
    ],
)
def test_the_holes_of_ksmbd_by_the_running_kernel(change: tuple[str, str], states: dict[str, Hole]) -> None:
    inside = ksmbd_internals.parse(KERNEL.replace(*change) if change[0] else KERNEL, "", "ksmbd")
    assert {
        name: CATALOGUE.exposures[f"cve-{name}"].probe(Subject(NOWHERE, DAY, inside)).state for name in states
    } == states


def test_the_script_in_the_guest_ends_well_without_package_and_configuration() -> None:
    """Else no cell of ksmbd could be measured there."""
    said = run(["sh", "-eu", "-c", ksmbd_internals._COLLECT, "rehearse"], timeout=30)
    assert said.ok, said
    assert re.findall(r"^@@ (\w+)$", said.stdout, re.MULTILINE)[-1] == "changelog"
    assert ksmbd_internals.parse(said.stdout, "", "ksmbd").platform == "ksmbd"
