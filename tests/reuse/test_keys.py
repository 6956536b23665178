"""Keys: nothing that a result rests on may change without them, and nothing else changes them."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from commandline import users
from known import CATALOGUE
from test_project import FLOORS

from harness.catalogue import Catalogue, Kind, Source
from harness.catalogue.sources import holes_in, in_folder
from harness.model import CellId, Tier
from harness.planning import planner
from harness.planning.plan import Plan
from harness.reuse import around as of_around
from harness.reuse import keys as of_keys
from harness.reuse.around import HERE, UNINVOLVED, around, code
from harness.reuse.keys import Keys
from harness.reuse.plainly import digest, plain
from harness.system import resources
from harness.system.files import text
from harness.system.process import run

AROUND = {"kernel": "Linux 6", "smb-rehearsal": "x"}
SELECTOR = "smb3-only:samba-4.22:windows-7,curl:open,write"
CURL = CellId("smb3-only", "samba-4.22", "curl", "open")
SEVEN = CellId("smb3-only", "samba-4.22", "windows-7", "open")


def made(
    catalogue: Catalogue = CATALOGUE,
    selector: str = SELECTOR,
    image: Callable[[str], str] = lambda name: f"digest of {name}",
    around: dict[str, str] = AROUND,
    change: Callable[[Plan], Plan] = lambda plan: plan,
) -> dict[CellId, str]:
    """The keys of the cells of a selector."""
    plan = change(planner.from_selectors(catalogue, [selector], probes=True))
    return {
        cell: key for one in Keys(catalogue, plan, image, around).all() for cell, key in one.cells.items()
    }


def why_not(selector: str, catalogue: Catalogue = CATALOGUE, lab: Tier = Tier.LOCAL) -> str:
    plan = replace(planner.from_selectors(catalogue, [selector]), lab=lab)
    keys = Keys(catalogue, plan, lambda name: "" if name == "trixie" else name, AROUND)
    (one,) = {one.why_not for one in keys.all()}
    return one


def test_each_cell_has_a_key_of_its_own_and_the_same_each_time() -> None:
    first = made()
    assert len(set(first.values())) == len(first) == 4
    assert made() == first
    # Also in another plan, as long as its server is served for the same: it has a job of its own there.
    assert made(selector=str(CURL)) == {CURL: first[CURL]}


def test_keys_are_the_same_in_another_process() -> None:
    """No order of a set, and no address in memory, is in them."""
    script = (
        "import json, sys; from test_keys import made\n"
        "json.dump({str(cell): key for cell, key in made().items()}, sys.stdout)"
    )
    path = ":".join(filter(None, [str(Path(__file__).parent), *sys.path]))
    done = run([sys.executable, "-c", script], timeout=120, env=users(PYTHONHASHSEED="5", PYTHONPATH=path))
    assert json.loads(done.check("keys").stdout) == {str(cell): key for cell, key in made().items()}


def test_what_a_job_rests_on_is_in_all_of_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    first = made()
    server = CATALOGUE.servers["samba-4.22"]
    conf = server.conf.with_globals(server_signing="mandatory")
    change = CATALOGUE.mitigations["smb3-only"]

    def with_server(**new: object) -> Catalogue:
        changed = {**CATALOGUE.servers, "samba-4.22": replace(server, **new)}  # type: ignore[arg-type]
        return replace(CATALOGUE, servers=changed)

    def with_change(**new: object) -> Catalogue:
        other = copy(change)
        for name, value in new.items():
            setattr(other, name, value)
        return replace(CATALOGUE, mitigations={**CATALOGUE.mitigations, "smb3-only": other})

    other_code = type("Other", (type(change),), {})

    others = {
        "kernel": made(around={**AROUND, "kernel": "Linux 7"}),
        "our code": made(around={**AROUND, "smb-rehearsal": "y"}),
        "image": made(image=lambda name: f"another {name}"),
        "configuration": made(with_server(conf=conf)),
        "no probes": made(change=lambda plan: replace(plan, probes=False)),
        "code of the change": made(with_change(__class__=other_code)),
        "parameters of the change": made(with_change(aims=("smb1-spoken",))),
        "probes": made(replace(CATALOGUE, exposures=dict(list(CATALOGUE.exposures.items())[1:]))),
    }
    for what, keys in others.items():
        assert set(keys) == set(first), what
        assert set(keys.values()).isdisjoint(first.values()), what
    assert len({keys[CURL] for keys in others.values()}) == len(others)
    # A server is served otherwise where somebody of the job looks for it, or prints.
    for check in ("discover", "print"):
        wider = made(selector=SELECTOR.replace("open,", f"{check},open,"))
        assert wider[CURL] != first[CURL], check
    # The day alone changes nothing, unless support of something has ended since.
    for day, same in ((date(2026, 12, 1), True), (date(2046, 12, 1), False)):
        monkeypatch.setattr(of_keys, "_today", lambda day=day: day)
        assert (made() == first) is same, day


def test_a_combination_has_the_parameters_of_its_parts() -> None:
    change = "set(server signing={})+smb3-only:samba-4.22:curl:open"
    keys = [made(selector=change.format(value)) for value in ("mandatory", "disabled")]
    assert len({key for one in keys for key in one.values()}) == 2


def test_a_client_that_changed_changes_the_keys_of_its_own_cells_alone(tmp_path: Path) -> None:
    mine = text(resources.path("clients", "personas", "windows-7.toml")).replace(
        'name = "windows-7"', 'name = "mine"'
    )
    file = tmp_path / "mine.toml"
    selector = SELECTOR.replace("curl", "curl,mine")

    def with_persona(words: str) -> dict[CellId, str]:
        file.write_text(words)
        return made(CATALOGUE.adding(*in_folder(Kind.PERSONA, tmp_path)), selector)

    first = with_persona(mine)
    assert with_persona(f"# a comment\n{mine}") == first
    second = with_persona(mine.replace('title = "', 'title = "changed: ', 1))
    assert {cell.client for cell in first if first[cell] != second[cell]} == {"mine"}
    # An image of programs is that of the clients in it.
    other = made(image=lambda name: f"digest of {name}" + ("!" if name == "clients" else ""))
    changed = {cell.client for cell, key in made().items() if other[cell] != key}
    used = {name for name in ("curl", "windows-7") if CATALOGUE.clients[name].image == "clients"}
    assert changed == used


def test_python_of_ones_own_and_known_holes_change_all(tmp_path: Path) -> None:
    file = tmp_path / "changes" / "mine.py"
    file.parent.mkdir()
    code = "from harness.mitigations.signing_required import MITIGATIONS as A\nMITIGATIONS = ()\n"
    file.write_text(code)
    source = Source(Kind.CODE, file)
    first = made(CATALOGUE.adding(source))
    assert set(first.values()).isdisjoint(made().values())
    # What it may import, too.
    (file.parent / "_beside.py").write_text("")
    second = made(CATALOGUE.adding(source))
    assert set(second.values()).isdisjoint(first.values())
    holes = tmp_path / "holes.toml"
    known = text(resources.path("exposures", "data", "known-holes.toml"))
    block = known[known.index("[[") :].split("\n[[")[0]
    name = next(line for line in block.splitlines() if line.startswith("name"))
    holes.write_text(block.replace(name, 'name = "one-of-mine"') + "\n")
    assert set(made(CATALOGUE.adding(holes_in(holes))).values()).isdisjoint(made().values())


def test_what_python_imports_through_a_link_or_without_its_source_counts(tmp_path: Path) -> None:
    elsewhere, changes = tmp_path / "shared", tmp_path / "changes"
    elsewhere.mkdir()
    changes.mkdir()
    (changes / "mine.py").write_text("from shared import LIMIT\n")
    (changes / "shared").symlink_to(elsewhere)
    # A link that leads back to where it lies comes to an end.
    (elsewhere / "again").symlink_to(elsewhere)
    source = Source(Kind.CODE, changes / "mine.py")
    seen = [of_keys._files_of(source)]
    for path in (elsewhere / "__init__.py", changes / "helper.pyc"):
        path.write_bytes(b"LIMIT = 1")
        seen.append(of_keys._files_of(source))
    assert len({*seen}) == len(seen)
    (changes / "__pycache__").mkdir()
    (changes / "__pycache__" / "mine.cpython-311.pyc").write_bytes(b"x")
    assert of_keys._files_of(source) == seen[-1]


def test_of_a_package_all_counts_however_deep_its_module_is(tmp_path: Path) -> None:
    top = tmp_path / "smb_more"
    module = top / "changes" / "mine.py"
    module.parent.mkdir(parents=True)
    for path in (top / "__init__.py", module.parent / "__init__.py", module, tmp_path / "another.py"):
        path.write_text("")
    source = Source(Kind.PACKAGE, module, by="smb-more 1.2")

    def told() -> str:
        return of_keys._files_of(source)

    seen = [told()]
    for change in (
        lambda: (top / "shared.py").write_text("LIMIT = 1\n"),
        lambda: (top / "words.toml").write_text("limit = 1\n"),
        lambda: (top / "words.toml").rename(top / "changes" / "words.toml"),
    ):
        change()
        seen.append(told())
    assert len({*seen}) == len(seen)
    (tmp_path / "another.py").write_text("LIMIT = 2\n")
    (top / "__pycache__").mkdir()
    (top / "__pycache__" / "shared.cpython-311.pyc").write_bytes(b"x")
    assert told() == seen[-1]


def test_what_no_digest_tells_apart_is_never_reused() -> None:
    assert "virtual machines" in why_not(SELECTOR, lab=Tier.VAGRANT)
    assert "trixie is not built" in why_not(SELECTOR)
    server = CATALOGUE.servers["samba-4.13"]
    conf = server.conf.with_globals(max_connections="3")
    limited = replace(CATALOGUE, servers={**CATALOGUE.servers, server.name: replace(server, conf=conf)})
    assert why_not("none:samba-4.13:curl:open") == ""
    assert "max connections" in why_not("none:samba-4.13:curl:open", limited)
    # Also where only the change sets it.
    assert "max connections" in why_not("set(max connections=3):samba-4.13:curl:open")
    if "samba-host" in CATALOGUE.servers:
        assert "this machine itself" in why_not("none:samba-host:curl:open")


def test_every_room_is_known_to_count_or_not_to(tmp_path: Path) -> None:
    rooms = {name.removesuffix(".py") for name in UNINVOLVED}
    assert rooms <= set(FLOORS)
    # Those that measure know, of what does not count, what tells of progress alone.
    assert {"conduct", "labs", "smb", "clients", "servers", "mitigations", "exposures"}.isdisjoint(rooms)
    for room, known in FLOORS.items():
        if room not in rooms and room != "__main__":
            assert rooms & set(known.split()) <= {"report"}, room
    package = tmp_path / "harness"
    shutil.copytree(HERE, package, ignore=shutil.ignore_patterns("__pycache__"))
    first = code(package)
    assert first == code(HERE)
    for name, counts in (
        ("smb/wire.py", True),
        ("exposures/data/severity.toml", True),
        ("checks/__init__.py", True),
        ("report/answer.py", False),
        ("verbs/run.py", False),
        ("clients/personas/windows-7.toml", False),
    ):
        before = (package / name).read_bytes()
        (package / name).write_bytes(before + b"\n")
        assert (code(package) != first) is counts, name
        (package / name).write_bytes(before)
    (package / "smb" / "wire.py").rename(package / "smb" / "wires.py")
    assert code(package) != first


def test_what_is_around_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = around(tmp_path / "not there yet")
    assert all(found.values())
    # What OpenSSL offers hangs on its configuration, too; it is asked each time, for a run may last.
    conf = tmp_path / "openssl.cnf"
    conf.write_text("[default]\n")
    told = ssl.get_default_verify_paths()._replace(openssl_cafile=str(tmp_path / "cert.pem"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: told)
    first = around(tmp_path)
    conf.write_text("[legacy]\n")
    assert {name for name, value in around(tmp_path).items() if value != first[name]} == {"packages"}
    monkeypatch.syspath_prepend(str(tmp_path))
    kept = tmp_path / "impacket-99.dist-info"
    kept.mkdir()
    # Once importlib_metadata is loaded (Dask does on older Pythons), a package without it is an error.
    (kept / "METADATA").write_text("Metadata-Version: 2.1\nName: impacket\nVersion: 99\n")
    second = around(tmp_path)["packages"]
    kept.rename(tmp_path / "impacket-100.dist-info")
    assert around(tmp_path)["packages"] != second
    # Not each kind of file system has the attributes that some shares keep.
    assert around(Path("/proc"))["files"].split()[0] == "proc"
    assert set(found) == {
        *("smb-rehearsal", "python", "packages", "libc", "kernel", "machine", "system", "user", "files"),
        "confinement",
    }


def test_what_a_share_may_be_used_for_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hole of CVE-2017-7494 is out of reach where shares are mounted noexec, or smbd is confined."""
    mounts, label = tmp_path / "mountinfo", tmp_path / "current"
    monkeypatch.setattr(of_around, "_MOUNTS", mounts)
    monkeypatch.setattr(of_around, "_CONFINED", label)
    told = []
    for options, more in (
        ("rw,relatime", "rw"),
        ("rw,noexec,relatime", "rw"),
        ("rw,relatime", "rw,nouser_xattr"),
        ("rw,relatime", "rw,lowerdir=/one"),
        ("relatime,rw", "rw,lowerdir=/two"),
    ):
        mounts.write_text(f"22 1 0:19 / / {options} shared:1 - overlay none {more}\n")
        told.append(around(tmp_path)["files"])
    # Where its layers are changes nothing.
    assert len(set(told[:3])) == 3
    assert told[0] == told[3] == told[4]
    assert around(tmp_path)["confinement"] == "no security module"
    label.write_text("unconfined\n")
    first = around(tmp_path)["confinement"]
    label.write_text("smbd (enforce)\n")
    assert around(tmp_path)["confinement"] != first


def test_a_value_is_told_by_what_is_in_it() -> None:
    class Own:
        def __init__(self, *parts: object) -> None:
            self.parts = parts

        @cached_property
        def asked(self) -> int:
            return len(self.parts)

    one = Own(1, {"a": 2})
    assert one.asked == 2
    assert digest(one) == digest(Own(1, {"a": 2})) != digest(Own(1, {"a": 3}))
    assert digest(1) != digest("1")
    assert digest({"a", "b", "c"}) == digest({"c", "b", "a"})
    assert digest({"a": 1, "b": 2}) != digest({"b": 2, "a": 1})
    one.parts = (one,)
    assert "..." in json.dumps(plain(one))


def test_a_function_is_told_by_what_it_was_made_with_and_what_c_made_by_what_it_holds() -> None:
    def bound(most: int) -> Callable[[int], bool]:
        return lambda value: value < most

    class Own:
        def __init__(self, most: int) -> None:
            self.most = most

        def holds(self) -> bool:
            return self.most > 0

    for one, same, other in (
        (bound(1), bound(1), bound(2)),
        (Own(1).holds, Own(1).holds, Own(2).holds),
        (partial(bound, 1), partial(bound, 1), partial(bound, 2)),
        (re.compile("a"), re.compile("a"), re.compile("b")),
        (timedelta(1), timedelta(1), timedelta(2)),
        (Decimal("1"), Decimal("1"), Decimal("2")),
        (IPv4Address("127.0.0.1"), IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")),
        (object(), object(), 1),
    ):
        assert digest(one) == digest(same) != digest(other), one
    assert digest(range(3)) != digest(range(4))
    assert digest(print) == digest(print)
    assert " at 0x" not in json.dumps(
        [plain(dict(room)) for room in (CATALOGUE.clients, CATALOGUE.mitigations)]
    )
