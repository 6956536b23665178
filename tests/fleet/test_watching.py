"""A later sample against a fleet: what a plan of before did not reckon with is bad news, and told first."""

from __future__ import annotations

from known import CATALOGUE
from sightings import gathered, sighting

from harness.fleet.placing import Placing
from harness.fleet.sighting import Logon, Sighting
from harness.fleet.watching import Change, News, compared
from harness.model import Dialect

NT1, V202, V21, V30, V302, V311 = Dialect
PLACING = Placing(CATALOGUE.clients)
BEFORE = (
    sighting("10.0.0.1", "alpha", dialect=V311, logon=Logon.NTLMV2),
    sighting("10.0.0.2", dialect=V21),
    sighting("10.0.0.3", dialect=NT1, logon=Logon.NTLMV1),
)


def news(*now: Sighting) -> tuple[Change, ...]:
    return compared(gathered(*BEFORE, source="old"), gathered(*now, source="new"), PLACING, "office")


def test_the_same_again_is_no_news() -> None:
    assert news(*BEFORE) == ()


def test_who_is_new_and_who_is_not_seen_any_more() -> None:
    found = news(
        sighting("10.0.0.1", dialect=V311),
        sighting("10.0.0.4", dialect=NT1),
        sighting("10.0.0.5", dialect=V302, offered=(V202, V21, V30, V302)),
        sighting("10.0.0.6", "beta", dialect=V311),
    )
    assert [(one.news, one.placed.machine.name) for one in found] == [
        (News.NEW_SMB1, "10.0.0.4"),
        (News.NEW_KIND, "10.0.0.5"),
        (News.NEW, "beta"),
        (News.GONE, "10.0.0.2"),
        (News.GONE, "10.0.0.3"),
    ]
    assert [one.news.bad for one in found] == [True, True, False, False, False]
    assert found[-1].text == "last seen 2026-11-20"


def test_who_changed() -> None:
    found = news(
        sighting("10.0.0.1", dialect=V21, logon=Logon.GUEST),
        sighting("10.0.0.2", dialect=V21, cannot_sign=True),
        sighting("10.0.0.3", dialect=V311, logon=Logon.NTLMV2),
    )
    assert [(one.news, one.placed.machine.name, one.text) for one in found] == [
        (News.WORSE, "10.0.0.2", "cannot sign"),
        (News.WORSE, "alpha", "SMB 3.1.1 before, SMB 2.1 now; guest now"),
        (News.BETTER, "10.0.0.3", "SMB1 before, SMB 3.1.1 now; no NTLMv1 any more"),
    ]


def test_smb1_beside_what_it_spoke_already_is_worse() -> None:
    (one,) = news(*BEFORE, sighting("10.0.0.1", dialect=NT1))
    assert (one.news, one.text) == (News.WORSE, "SMB1 now, too")
