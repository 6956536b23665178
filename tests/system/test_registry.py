"""The registry finds what was added as one file, and answers a wrong name with the nearest right one."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from known import CATALOGUE

import harness
from harness.catalogue import made_of
from harness.errors import UsageError
from harness.model import Fidelity
from harness.system import registry
from harness.system.registry import Awaited, Found, collect, left_out, lookup, nearest
from harness.verbs import facts


@dataclass
class Thing:
    name: str


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """Makes the package ``things`` of modules with these texts."""
    folder = tmp_path / "things"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(texts: dict[str, str]) -> None:
        for name, text in {"__init__": "", **texts}.items():
            (folder / f"{name}.py").write_text(f"from {__name__} import Thing\n{text}\n")

    yield make
    registry.modules.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "things"]:
        del sys.modules[name]


def test_every_module_is_asked_in_order(room: Callable[[dict[str, str]], None]) -> None:
    room({"b": "THINGS = (Thing('one'), Thing('two'))", "a": "THINGS = (Thing('three'),)", "c": ""})
    assert list(collect("things", "THINGS", Thing)) == ["three", "one", "two"]


def test_helpers_are_not_asked(room: Callable[[dict[str, str]], None]) -> None:
    room({"_own": "THINGS = (Thing('x'),)", "base": "THINGS = (Thing('y'),)", "a": "THINGS = (Thing('z'),)"})
    assert list(collect("things", "THINGS", Thing)) == ["z"]


def test_a_name_that_two_offer_is_nobodys(room: Callable[[dict[str, str]], None]) -> None:
    room({"a": "THINGS = (Thing('x'),)", "b": "THINGS = (\n    Thing('x'),\n    Thing('y'),\n)"})
    found = collect("things", "THINGS", Thing)
    assert list(found) == ["y"]
    (why,) = found.left_out.values()
    assert re.fullmatch(r".*things/b\.py:2: 'x' is offered by .*things/a\.py too", why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("THINGS = ('x',)", r"bad\.py:2: THINGS holds 'x', which is no Thing"),
        ("THINGS = Thing('x')", r"bad\.py:2: THINGS must be a tuple, not Thing"),
        ("THINGS = (Thing(''),)", r"bad\.py:2: Thing\.name must be a name of .*, not ''"),
        ("t = Thing('x')\ndel t.name\nTHINGS = (t,)", r"bad\.py:4: Thing has no name"),
        ("import sys\nsys.exit(0)", r"bad\.py:.*: SystemExit: 0"),
        ("def f(:", r"bad\.py:.*: SyntaxError: invalid syntax"),
    ],
)
def test_one_bad_module_costs_no_other(room: Callable[[dict[str, str]], None], text: str, why: str) -> None:
    room({"bad": text, "good": "THINGS = (Thing('good'),)"})
    found = collect("things", "THINGS", Thing)
    assert list(found) == ["good"]
    assert list(found.left_out) == ["bad"]
    assert re.search(why, found.left_out["bad"], re.DOTALL)


def test_nothing_of_ours_is_left_out() -> None:
    """A file that cannot be used is left out without an end: so it must be looked for."""
    for everything in (CATALOGUE.clients, CATALOGUE.mitigations, CATALOGUE.servers, CATALOGUE.exposures):
        assert everything
    assert CATALOGUE.unusable == ()


def test_what_is_left_out_is_handed_on_and_not_remembered(
    room: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    """Two answers about one room are two: what was mended in between is in the second alone."""
    room({"bad": "THINGS = (Thing('x'),", "good": "THINGS = (Thing('good'),)"})
    before = collect("things", "THINGS", Thing)
    with pytest.raises(UsageError, match="no thing is called 'x'") as caught:
        lookup("thing", "x", before)
    assert "left out, for it cannot be used: " in str(caught.value)
    (tmp_path / "things/bad.py").write_text(f"from {__name__} import Thing\nTHINGS = (Thing('x'),)\n")
    registry.modules.cache_clear()
    after = collect("things", "THINGS", Thing)
    assert (list(after), dict(after.left_out)) == (["x", "good"], {})
    assert list(before.left_out) == ["bad"]
    with pytest.raises(UsageError) as caught:
        lookup("thing", "y", after)
    assert "left out" not in str(caught.value)


def test_the_nearest_names() -> None:
    assert nearest("windows-px", ["windows-xp", "windows-7", "curl"])[0] == "windows-xp"
    assert nearest("zzz", ["windows-xp"]) == []
    # What is begun is meant before what is spelt alike: article-6 is no row 2.
    rows = ["article", "article-6-stage-2-patch", "article-2-nt-pipe-support"]
    assert nearest("article-2", rows) == ["article-2-nt-pipe-support"]
    names = ["pysmb", "aiosmb", "samba-4.17", "smb1-removed", "smb1-server-off", "smb2-server-off"]
    assert nearest("smb1", names) == ["smb1-removed", "smb1-server-off"]
    assert nearest("SMB1-off", names) == ["smb1-server-off"]
    assert nearest("smb3*", ["smb3-only", "pysmb"]) == ["smb3-only"]
    with pytest.raises(UsageError, match="did you mean curl") as caught:
        lookup("client", "crul", {"curl": 1})
    assert "See: rehearse list clients" in str(caught.value)
    assert lookup("client", "curl", {"curl": 1}) == 1


def test_everything_there_is_says_what_it_is() -> None:
    for client in CATALOGUE.clients.values():
        assert client.title
        assert client.checks
        # Who is not the very thing must say where its behaviour is from.
        assert client.evidence or client.fidelity is Fidelity.REAL
    for server in CATALOGUE.servers.values():
        assert server.title
        assert server.evidence
        assert bool(server.emulates) is server.fidelity.emulated
        assert server.upgrades or server.no_upgrade
    for change in CATALOGUE.mitigations.values():
        assert change.title
        assert change.expectation.text
        assert change.expectation.source
        assert change.sides


def test_names_are_fit_for_selectors() -> None:
    for name in (*CATALOGUE.clients, *CATALOGUE.servers, *CATALOGUE.mitigations):
        assert not set(name) & set(":,*+?[] /")


def test_a_module_that_others_can_write_is_not_run(
    room: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    room(
        {
            "bad": "from pathlib import Path\nPath(__file__).with_name('ran').touch()",
            "good": "THINGS = (Thing('x'),)",
        }
    )
    bad = tmp_path / "things" / "bad.py"
    bad.chmod(0o666)
    found = collect("things", "THINGS", Thing)
    assert list(found) == ["x"]
    assert not bad.with_name("ran").exists()
    wanted = f"{bad}: everybody can write {bad}, so that it is not used; chmod o-w {bad}"
    assert found.left_out == {"bad": wanted}


def test_what_is_awaited_is_made_once_and_when_it_is_asked_for() -> None:
    made: list[int] = []

    def make() -> Found[int]:
        made.append(1)
        return Found({"one": 1}, {"two.py": "two.py:1: wrong"})

    things = Awaited(make)
    assert not things.asked
    assert not made
    assert things["one"] == 1
    assert (list(things), len(things), "two" in things) == (["one"], 1, False)
    assert left_out(things) == {"two.py": "two.py:1: wrong"}
    assert things.asked
    assert made == [1]
    assert left_out(Awaited(make)) == {"two.py": "two.py:1: wrong"}
    with pytest.raises(AttributeError, match="no_such"):
        things.no_such  # noqa: B018


def test_only_what_was_asked_for_is_missed() -> None:
    catalogue = made_of()
    assert not catalogue.missed
    catalogue = replace(catalogue, servers=Awaited(lambda: Found({}, {"a.py": "a.py:1: wrong"})))
    assert not catalogue.missed
    assert not catalogue.servers
    assert catalogue.missed == ("a.py:1: wrong",)


def test_a_list_that_a_mistake_names_can_be_asked_for() -> None:
    """Whoever looks up what ``rehearse list`` does not have says where else to look."""
    asked = []
    for path in sorted(Path(harness.__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_bytes())):
            match call:
                case ast.Call(func=ast.Name("lookup"), args=[ast.Constant(str(kind)), _, _], keywords=[]):
                    asked.append((kind, f"{path}:{call.lineno}"))
    assert len(asked) > 10
    assert [where for kind, where in asked if f"{kind}s" not in facts.KINDS] == []
