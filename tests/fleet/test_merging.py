"""Sightings become machines: one a host, whatever the order; what is doubtful is said, not merged."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sightings import WHEN, gathered, sighting

from harness.fleet.merging import machines
from harness.fleet.records import MOST_WORDS, Record, later
from harness.fleet.sighting import Logon, Role, Sighting
from harness.model import Dialect

NT1, V2, V311 = Dialect.NT1, Dialect.SMB2_10, Dialect.SMB3_11


def test_sessions_of_one_host_are_one_machine() -> None:
    old = WHEN - timedelta(days=40)
    (one,) = machines(
        gathered(
            sighting("10.0.0.7", dialect=V2, logon=Logon.NTLMV2),
            sighting("10.0.0.7", dialect=V2, logon=Logon.KERBEROS, seen=old),
            sighting("10.0.0.7", name="PC-7"),
        )
    )
    assert (one.name, one.addresses, one.sightings) == ("PC-7", ("10.0.0.7",), 3)
    assert one.dialects == {V2: WHEN}
    assert one.logons == {Logon.NTLMV2: WHEN, Logon.KERBEROS: old}
    assert (one.first_seen, one.last_seen) == (old, WHEN)


def test_dialect_and_logon_are_two_facts_and_both_of_two_are_kept() -> None:
    (one,) = machines(
        gathered(
            sighting("10.0.0.7", dialect=V311, signed=True),
            sighting("10.0.0.7", logon=Logon.NTLMV1, signed=False),
            sighting("10.0.0.7", dialect=NT1),
        )
    )
    assert set(one.dialects or ()) == {NT1, V311}
    assert set(one.logons or ()) == {Logon.NTLMV1}
    assert one.signed == {True, False}


def test_an_address_that_moves_between_names_is_several_machines_and_said() -> None:
    found = machines(
        [
            *gathered(sighting("10.0.0.7", "alpha"), source="one"),
            *gathered(sighting("10.0.0.7", "beta"), sighting("10.0.0.7"), source="two"),
        ]
    )
    assert [one.name for one in found] == ["alpha", "beta", "10.0.0.7"]
    assert found[0].remarks == ("the address 10.0.0.7 was that of beta, too",)
    assert "alpha, beta" in found[2].remarks[0]


def test_a_name_with_several_addresses_is_one_machine_and_said() -> None:
    (one,) = machines(gathered(sighting("10.0.0.7", "alpha"), sighting("10.0.1.9", "ALPHA.example.org")))
    assert one.names == ("ALPHA.example.org", "alpha")
    assert one.remarks == ("2 IPv4 addresses under one name: one machine that moves, or several",)


def test_a_short_name_with_two_full_ones_is_nobody_of_both() -> None:
    found = machines(
        gathered(sighting(name="pc"), sighting(name="pc.a.example"), sighting(name="pc.b.example"))
    )
    assert len(found) == 3


def test_what_names_nobody_is_no_name() -> None:
    found = machines(
        gathered(
            sighting("10.0.0.7", "localhost"),
            sighting("10.0.0.8", "UNKNOWN"),
            sighting("10.0.0.9", "10.0.0.9"),
            sighting("10.0.0.9", "(null)"),
        )
    )
    assert [one.name for one in found] == ["10.0.0.7", "10.0.0.8", "10.0.0.9"]


def test_who_got_an_old_dialect_where_others_got_a_newer_one_is_held_at_it() -> None:
    old, new = machines(gathered(sighting("10.0.0.7", dialect=NT1), sighting("10.0.0.8", dialect=V311)))
    assert (set(old.held_at), set(new.held_at)) == ({NT1}, set())
    # Elsewhere it spoke more.
    both = [
        *gathered(sighting("10.0.0.7", dialect=NT1), sighting("10.0.0.8", dialect=V2)),
        *gathered(sighting("10.0.0.7", dialect=V311), source="other"),
    ]
    assert machines(both)[0].held_at == set()


def test_what_a_scanner_saw_it_serve_is_nothing_that_it_speaks_as_a_client() -> None:
    (one,) = machines(gathered(sighting("10.0.0.7", dialect=NT1, signed=False, role=Role.SERVER)))
    assert one.serves == (NT1,)
    assert not one.dialects
    assert not one.signed


def test_a_list_with_numbers_counts_by_its_numbers() -> None:
    found = machines(
        gathered(
            sighting(persona="windows-7", count=19),
            sighting(persona="windows-7", count=2),
            sighting(said="copier", count=3),
        )
    )
    assert sorted((one.name, one.count) for one in found) == [("copier", 3), ("windows-7", 21)]


def test_the_words_of_a_hostile_source_are_few() -> None:
    (one,) = machines(
        gathered(*(sighting("10.0.0.7", said=f"{n} {'x' * 500}", unknown_dialect=str(n)) for n in range(999)))
    )
    assert len(one.said) == len(one.unknown_dialects) == MOST_WORDS
    assert max(map(len, one.said)) == 200


def test_moments_with_and_without_a_zone_can_be_compared() -> None:
    plain, zoned = datetime.fromisoformat("2026-01-01"), datetime(2026, 1, 2, tzinfo=UTC)
    assert later(plain, zoned) is later(zoned, plain) is zoned
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert later(last, plain) is last


_SIGHTINGS = st.lists(
    st.builds(
        sighting,
        st.sampled_from(["", "10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"]),
        st.sampled_from(["", "alpha", "ALPHA", "alpha.example", "beta", "unknown"]),
        dialect=st.sampled_from([None, *Dialect]),
        logon=st.sampled_from([None, *Logon]),
        role=st.sampled_from(Role),
        signed=st.sampled_from([None, True, False]),
        said=st.sampled_from(["", "Windows 7", "copier"]),
        seen=st.sampled_from([None, WHEN, WHEN.replace(tzinfo=UTC), WHEN - timedelta(days=3)]),
        offered=st.sampled_from([(), (NT1,), (V2, V311)]),
        persona=st.sampled_from(["", "windows-xp"]),
        count=st.integers(1, 3),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(_SIGHTINGS, max_size=3), st.randoms())
def test_the_order_of_files_does_not_matter_and_twice_is_once(
    files: list[list[Sighting]], random: object
) -> None:
    read = [gathered(*those, source=f"file-{number}") for number, those in enumerate(files)]

    def merged(order: list[list[Record]]) -> object:
        return machines([record for records in deepcopy(order) for record in records])

    usual = merged(read)
    shuffled = list(read)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(shuffled) == usual
    assert merged([*read, *read]) == usual
