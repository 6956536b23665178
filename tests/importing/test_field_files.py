"""smb.conf files of real servers: each is brought along for every release as its facts say, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.importing.bring import bring
from harness.importing.judge import ImageJudge
from harness.labs.local import LocalLab
from harness.servers.brought import Brought
from harness.servers.left_out import UNKNOWN
from harness.servers.roles import servers_of

pytestmark = pytest.mark.local_lab

RELEASES = ("bullseye", "bookworm", "trixie", "forky")
REFUSED = {
    "03": "server role = active directory domain controller",
    "11b": "is a script",
    "14": "server role = active directory domain controller",
    "15": "server role = active directory domain controller",
    "29": "is a script",
    "34": "is a script",
    "35": "is a ksmbd.conf",
}
NO_SHARE = {"09", "11", "39"}
"""Those whose facts say "no share": one of the lab's own stands in."""


def rows(field: Path) -> dict[str, list[str]]:
    """Number -> the columns of the table of facts."""
    text = (field / "FACTS.md").read_text().partition("## What")[0]
    table = [
        [word.strip() for word in line.split("|")[1:-1]]
        for line in text.splitlines()
        if ".conf |" in line or ".txt |" in line
    ]
    return {row[0].partition("-")[0]: row for row in table}


@pytest.mark.parametrize("image", RELEASES)
def test_each_is_brought_along_or_refused_with_the_reason(
    field: Path, judges: Callable[[str], ImageJudge], image: str
) -> None:
    facts = rows(field)
    assert len(facts) == 28
    for number, row in facts.items():
        if number in REFUSED:
            with pytest.raises(UsageError, match=REFUSED[number]) as refused:
                bring(field / row[0], name="office", by=judges(image))
            assert "\n" not in str(refused.value)
        else:
            as_the_facts_say(bring(field / row[0], name="office", by=judges(image)), number, row)


def as_the_facts_say(made: Brought, number: str, row: list[str]) -> None:
    """Shares, guests, lists, printers and unknown parameters are as many as testparm of 4.22 counted."""
    shares, guest, listed, printers = (int(row[column]) for column in (5, 6, 7, 8))
    sections = made.conf.sections
    if number in NO_SHARE:
        assert shares == 0
        assert [*sections] == ["share"]
        assert [one.parameter for one in made.instead if one.parameter == "(shares)"]
        return
    assert len(sections) == shares
    of_shares = [{**made.conf.globals, **said} for said in sections.values()]
    assert sum(said.get("guest ok", "no").lower() == "yes" for said in of_shares) == guest
    assert sum("valid users" in said for said in of_shares) == listed
    assert sum(said.get("printable", "no").lower() == "yes" for said in of_shares) == printers
    assert sum(one.done == UNKNOWN for one in made.instead) == int(row[10])


@pytest.mark.parametrize("file", ["16-full-audit-fragment.conf", "30-ubuntu-default-full-comments.conf"])
def test_what_a_release_would_let_nobody_into_is_served(
    field: Path, judges: Callable[[str], ImageJudge], lab: LocalLab, file: str
) -> None:
    """16 audits what 4.22 knows no more; 30 has homes alone and names nobody, and "/" is no home to smbd."""
    made = bring(field / file, name="office", by=judges("trixie"))
    (server,) = servers_of(made).values()
    with lab.serve(server) as live:
        live.prove(serves=True)
