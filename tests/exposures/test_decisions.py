"""What decides the holes that the wire does not show: on made-up facts, for no such server can run here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import UsageError
from harness.exposures import compression, cve_2025_33073, ms17_010
from harness.exposures._versions import parts, within
from harness.exposures.base import Subject
from harness.exposures.known_holes import OWN, Known, KnownHole, judge, read
from harness.model import Hole, Sighting, Target
from harness.servers.live import ServerInternals, ShareInternals

NOWHERE = Target("127.0.0.1", "share", "user", "secret", 9)
DAY = date(2026, 11, 25)
SHARE = ShareInternals("data", {"read only": "No", "vfs objects": "", "path": "/srv"}, ("rw", "relatime"))
OLD = ServerInternals(
    "samba",
    "4.5.8",
    "samba 2:4.5.8+dfsg-2",
    "debian 9",
    fixes=frozenset({"CVE-2016-2123"}),
    settings={"nt pipe support": "Yes", "server min protocol": "LANMAN1", "server role": "standalone server"},
    shares=(SHARE,),
    confined=False,
    confinement="no security module",
)


def judged(name: str, inside: ServerInternals | None, day: date = DAY) -> Sighting:
    return CATALOGUE.exposures[name].probe(
        Subject(NOWHERE, day, inside, platform=inside.platform if inside else "")
    )


def sambacry(**changes: object) -> Sighting:
    return judged("cve-2017-7494", replace(OLD, **changes))  # type: ignore[arg-type]


def test_sambacry_is_open_where_all_four_conditions_hold() -> None:
    seen = sambacry()
    assert seen.state is Hole.OPEN
    assert "does not name CVE-2017-7494" in seen.evidence
    assert "not mounted noexec" in seen.evidence


@pytest.mark.parametrize(
    ("changes", "state", "word"),
    [
        ({"fixes": frozenset({"CVE-2017-7494"})}, Hole.CLOSED, "changelog"),
        ({"version": "4.5.10", "package": "samba 2:4.5.10"}, Hole.CLOSED, "not among the affected"),
        ({"version": "3.4.3", "package": "samba 3.4.3-1.54"}, Hole.CLOSED, "not among the affected"),
        ({"package": "", "version": "4.17.12", "fixes": None}, Hole.UNKNOWN, "only the version"),
        ({"package": "", "fixes": None}, Hole.UNKNOWN, "no changelog"),
        ({"changelog_from": 2018}, Hole.UNKNOWN, "tells all from 2018 on only"),
        ({"changelog_from": 2018, "fixes": frozenset({"CVE-2017-7494"})}, Hole.CLOSED, "changelog"),
        ({"changelog_from": 2017}, Hole.OPEN, "does not name"),
        ({"settings": {"nt pipe support": "No"}}, Hole.NOT_EXPOSED, "pipe support"),
        ({"shares": ()}, Hole.NOT_EXPOSED, "written to"),
        ({"shares": (replace(SHARE, mount=("rw", "noexec")),)}, Hole.NOT_EXPOSED, "noexec"),
        ({"confined": True, "confinement": "smbd (enforce)"}, Hole.NOT_EXPOSED, "confined"),
        ({"confined": None, "confinement": "docker-default"}, Hole.UNKNOWN, "may load is not known"),
        ({"shares": (replace(SHARE, mount=()),)}, Hole.UNKNOWN, "programs run from its file system"),
        ({"settings": {}}, Hole.UNKNOWN, "not known"),
        ({"emulates": "SLES 11"}, Hole.UNKNOWN, "stands for SLES 11"),
        ({"log": ("Refusing open on pipe a/b",)}, Hole.CLOSED, "the guard's line"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_sambacry_by_each_condition(changes: dict[str, object], state: Hole, word: str) -> None:
    seen = sambacry(**changes)
    assert (seen.state, word in seen.evidence) == (state, True), seen


def test_a_writable_share_that_is_not_noexec_is_enough() -> None:
    other = replace(SHARE, name="other", mount=("rw", "noexec"))
    seen = sambacry(shares=(other, SHARE))
    assert seen.state is Hole.OPEN
    assert "data" in seen.evidence


def test_nothing_is_said_of_windows_or_of_the_wire_alone() -> None:
    assert judged("cve-2017-7494", None).state is Hole.UNKNOWN
    assert judged("cve-2017-7494", ServerInternals("windows", "10.0.20348.1")).state is Hole.NOT_EXPOSED


FRUIT = replace(OLD, version="4.13.13", package="samba 2:4.13.13", shares=(
    replace(SHARE, settings={"vfs objects": "catia fruit streams_xattr"}),
))  # fmt: skip


@pytest.mark.parametrize(
    ("inside", "state"),
    [
        (FRUIT, Hole.OPEN),
        (replace(FRUIT, version="4.13.17"), Hole.CLOSED),
        (replace(FRUIT, version="4.14.11"), Hole.OPEN),
        (replace(FRUIT, version="4.14.12"), Hole.CLOSED),
        (replace(FRUIT, version="4.14"), Hole.OPEN),
        (replace(FRUIT, fixes=frozenset({"CVE-2021-44142"})), Hole.CLOSED),
        (replace(FRUIT, modules=frozenset({"fruit"})), Hole.OPEN),
        (replace(FRUIT, modules=frozenset({"catia"})), Hole.NOT_EXPOSED),
        (replace(FRUIT, shares=(SHARE,)), Hole.NOT_EXPOSED),
        (replace(FRUIT, fixes=None), Hole.UNKNOWN),
        (replace(FRUIT, version=""), Hole.UNKNOWN),
        (replace(FRUIT, shares=(replace(SHARE, settings={}),)), Hole.UNKNOWN),
    ],
)
def test_a_known_hole(inside: ServerInternals, state: Hole) -> None:
    seen = judged("cve-2021-44142", inside)
    assert seen.state is state, seen


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("6.1.7601.23688", Hole.OPEN),
        ("6.1.7601.23689", Hole.CLOSED),
        ("6.1.7601.24000", Hole.CLOSED),
        # Compared number by number each for itself, this one would look patched.
        ("6.0.6002.18000", Hole.OPEN),
        ("6.0.6002.19743", Hole.CLOSED),
        # The LDR branch begins with 2: more than the GDR limit, and yet unpatched.
        ("6.0.6002.23000", Hole.OPEN),
        ("6.0.6002.24067", Hole.CLOSED),
        ("6.0.6003.20000", Hole.CLOSED),
        ("5.1.2600.7207", Hole.OPEN),
        ("10.0.14393.953", Hole.CLOSED),
        ("10.0.14393.952", Hole.OPEN),
        ("10.0.17763.1", Hole.CLOSED),
        ("6.1.7601", Hole.UNKNOWN),
        ("none", Hole.UNKNOWN),
    ],
)
def test_the_version_of_the_driver(version: str, state: Hole) -> None:
    assert ms17_010.by_driver(version).state is state


@pytest.mark.parametrize(
    ("answer", "platform", "state"),
    [
        ("STATUS_INSUFF_SERVER_RESOURCES", "", Hole.OPEN),
        ("STATUS_INSUFF_SERVER_RESOURCES", "windows", Hole.OPEN),
        ("STATUS_INVALID_HANDLE", "windows", Hole.CLOSED),
        ("STATUS_ACCESS_DENIED", "windows", Hole.CLOSED),
        ("STATUS_INVALID_HANDLE", "", Hole.UNKNOWN),
        ("STATUS_INVALID_HANDLE", "samba", Hole.NOT_EXPOSED),
        ("STATUS_INSUFF_SERVER_RESOURCES", "samba", Hole.NOT_EXPOSED),
        ("STATUS_NOT_SUPPORTED", "windows", Hole.UNKNOWN),
        ("CLOSED", "windows", Hole.UNKNOWN),
        ("TIMEOUT", "", Hole.UNKNOWN),
    ],
)
def test_the_answer_to_peek_named_pipe(answer: str, platform: str, state: Hole) -> None:
    assert ms17_010.read(answer, platform).state is state


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("10.0.18362.719", Hole.OPEN),
        ("10.0.18362.720", Hole.CLOSED),
        ("10.0.18363.592", Hole.OPEN),
        ("10.0.18363.1556", Hole.CLOSED),
        ("10.0.19041.1", Hole.CLOSED),
        ("10.0.17763.1", Hole.CLOSED),
        ("10.0.20348", Hole.CLOSED),
        # Without its revision, or without any number, nothing is known of it.
        ("10.0.18362", Hole.UNKNOWN),
        ("", Hole.UNKNOWN),
    ],
)
def test_smbghost_by_the_build(version: str, state: Hole) -> None:
    assert compression.by_build("compression", ServerInternals("windows", version)).state is state


@pytest.mark.parametrize(
    ("version", "required", "state"),
    [
        ("10.0.20348.3806", False, Hole.OPEN),
        ("10.0.20348.3806", True, Hole.NOT_EXPOSED),
        ("10.0.20348.3807", False, Hole.CLOSED),
        ("10.0.20348.3807", True, Hole.CLOSED),
        ("6.1.7601.24000", False, Hole.OPEN),
        ("10.0.26200.6584", False, Hole.CLOSED),
        # 1903, 11 21H2 and others got no more updates, and are not named.
        ("10.0.18362.720", False, Hole.UNKNOWN),
        ("10.0.22000.3260", False, Hole.UNKNOWN),
        ("10.0.20348", False, Hole.UNKNOWN),
        ("10.0.20348", True, Hole.NOT_EXPOSED),
        ("", False, Hole.UNKNOWN),
    ],
)
def test_the_reflected_logon_by_build_and_signing(version: str, required: bool, state: Hole) -> None:
    seen = cve_2025_33073.by_build(ServerInternals("windows", version), required=required)
    assert seen.state is state, seen


def test_the_reflected_logon_by_the_wire_alone() -> None:
    assert cve_2025_33073.by_build(None, required=False).state is Hole.UNKNOWN
    assert cve_2025_33073.by_build(None, required=True).state is Hole.NOT_EXPOSED


def test_smbghost_is_not_decided_by_the_wire_alone() -> None:
    assert compression.by_build("compression", None).state is Hole.UNKNOWN


@pytest.mark.parametrize("known", read(OWN), ids=lambda known: known.name)
def test_each_known_hole_in_every_state(known: Known) -> None:
    """Affected, mended upstream, mended by the distribution, without each thing that it needs, emulated."""
    hole = known.hole
    first_fixed = [span.rpartition("<")[2] for span in hole.affected]
    inside = configured(hole, below(first_fixed[0]))
    assert judge(hole, inside).state is Hole.OPEN
    for fixed in first_fixed:
        assert judge(hole, configured(hole, below(fixed))).state is Hole.OPEN, fixed
        assert judge(hole, configured(hole, fixed)).state is Hole.CLOSED, fixed
    assert judge(hole, replace(inside, fixes=frozenset({hole.cve}))).state is Hole.CLOSED
    assert judge(hole, replace(inside, fixes=None)).state is Hole.UNKNOWN
    assert judge(hole, replace(inside, emulates="another")).state is Hole.UNKNOWN
    for need in hole.needs:
        other = dict(inside.settings) | {place.parameter[0]: "something else" for place in need.places}
        without = replace(inside, settings=other, shares=(replace(SHARE, settings=other),))
        assert judge(hole, without).state is Hole.NOT_EXPOSED, need.text


@pytest.mark.parametrize("known", read(OWN), ids=lambda known: known.name)
def test_each_alternative_is_enough(known: Known) -> None:
    hole = known.hole
    inside = configured(hole, below(hole.affected[0].rpartition("<")[2]))
    for need in hole.needs:
        first = need.parameter[0]
        for place in need.alternatives:
            without = dict(inside.settings) | {first: "something else"}
            assert judge(hole, replace(inside, settings=without)).state is Hole.UNKNOWN
            instead = without | {place.parameter[0]: (*place.equals, *place.has, *place.contains)[0]}
            assert judge(hole, replace(inside, settings=instead)).state is Hole.OPEN
        if need.default is not None:
            # A module's own parameter, which testparm lists only where it is set.
            unset = {name: value for name, value in inside.settings.items() if name != first} | {"path": "/"}
            listed = replace(inside, settings=unset, shares=(replace(SHARE, settings=unset),))
            assert judge(hole, listed).state is Hole.NOT_EXPOSED
            unread = replace(inside, settings={}, shares=(replace(SHARE, settings={}),))
            assert judge(hole, unread).state is Hole.UNKNOWN


def configured(hole: KnownHole, version: str) -> ServerInternals:
    """A server of that version with all that the hole needs."""
    wanted = {need.parameter[0]: (*need.equals, *need.has, *need.contains)[0] for need in hole.needs}
    share = replace(SHARE, settings=wanted)
    return replace(OLD, version=version, package=f"samba {version}", settings=wanted, shares=(share,))


def below(version: str) -> str:
    """The release before the one of a branch that mends a hole."""
    *branch, last = parts(version)
    return ".".join(map(str, (*branch, last - 1)))


@pytest.mark.parametrize(
    ("inside", "day", "state"),
    [
        (replace(OLD, release="debian 11"), date(2026, 8, 31), Hole.CLOSED),
        (replace(OLD, release="debian 11"), date(2026, 9, 1), Hole.OPEN),
        (replace(OLD, release="debian forky"), DAY, Hole.UNKNOWN),
        (replace(OLD, release="", package="", version="3.6.3"), DAY, Hole.OPEN),
        (replace(OLD, release="", package="", version=""), DAY, Hole.UNKNOWN),
        # RPM's database, or none: whose the package is, and whether they still mend it, cannot be told.
        (replace(OLD, release="", package="", version="3.6.3", packages_read=False), DAY, Hole.UNKNOWN),
        (
            replace(OLD, release="debian 11", package="", packages_read=False),
            date(2026, 9, 1),
            Hole.UNKNOWN,
        ),
        (ServerInternals("windows", "6.1.7601", release="windows 7"), DAY, Hole.OPEN),
        (replace(OLD, emulates="a NAS"), DAY, Hole.UNKNOWN),
        (None, DAY, Hole.UNKNOWN),
    ],
)
def test_the_end_of_support(inside: ServerInternals | None, day: date, state: Hole) -> None:
    assert judged("end-of-life", inside, day).state is state


def test_versions_are_numbers() -> None:
    assert parts("4.17.12-Debian") == (4, 17, 12)
    assert within((4, 9), "<4.10")
    assert within((4, 17), ">=4.17.0 <=4.17")
    assert not within((4, 17, 0), ">4.17")
    for wrong in ("4.17", "", "> 4.17 or so", "~4.17"):
        with pytest.raises(ValueError, match=r"is not like"):
            within((1,), wrong)


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), min_size=1, max_size=4)
)
def test_a_version_is_before_another_or_not(one: list[int], other: list[int]) -> None:
    text = ".".join(map(str, other))
    assert within(tuple(one), f"<{text}") is not within(tuple(one), f">={text}")


@given(st.text(max_size=60))
def test_any_text_is_a_version_or_none(text: str) -> None:
    assert all(number >= 0 for number in parts(text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("exposure = 3", "exposure"),
        ("[[exposure]]\nname = 'x'", "exposure.0.title: Field required"),
        ("[[exposure", "Expected ']]'"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_file_of_holes_that_is_wrong_says_where(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "holes.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert word in str(caught.value)


def test_spans_and_names_in_a_file_are_checked(tmp_path: Path) -> None:
    text = OWN.read_text(encoding="utf-8")
    for right, wrong in ((">=3.5.0 <3.5.14", "3.5 and later"), ('"cve-2012-1182"', '"Two Words"')):
        assert right in text
        file = tmp_path / "holes.toml"
        file.write_text(text.replace(right, wrong, 1))
        with pytest.raises(UsageError, match="exposure"):
            read(file)


def test_nothing_is_added_by_itself() -> None:
    assert CATALOGUE.sources == ()
    assert len(read(OWN)) > 8
