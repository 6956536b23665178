"""A platform is an object: one that nobody knew is rehearsed, and nobody asks which one it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest
from conducting import Stage, conduct
from known import CATALOGUE
from test_project import HARNESS, name_of, tree

from harness.conduct.workers import Pool
from harness.errors import LabFault
from harness.labs.local import LocalLab
from harness.labs.platforms import LabPart, LocalBench, LocalServer, part_of
from harness.labs.samba import SambaServer
from harness.labs.vagrant import choice
from harness.mitigations.base import NotApplicableError
from harness.model import Effect, Phase
from harness.planning import settings
from harness.report.language import language
from harness.servers import platforms
from harness.servers.base import Conf, Server, ServerState
from harness.servers.platform import Change, Doing, Platform, Say


class Appliance(Platform):
    """A made-up box with a Samba inside, which nobody can set but by the two switches of its web page."""

    name = "appliance"
    switches: Mapping[str, str] = MappingProxyType({"signing-required": "Sign everything"})

    def changed(self, change: Change, state: ServerState, server: Server) -> ServerState:
        if change.name not in self.switches:
            raise NotApplicableError(f"the web page of {server.name} has no switch for {change.name}")
        return replace(
            state, conf=Conf({"server signing": "mandatory"}), changes=(*state.changes, change.name)
        )

    def doings(
        self, change: Change, before: ServerState, after: ServerState, server: Server, say: Say
    ) -> Iterable[Doing]:
        del change, before, server, say
        yield from (Doing(f"on its web page: {self.switches[name]}") for name in after.changes)


class AppliancePart(LabPart):
    """How the local lab makes one."""

    def local(self, server: Server, bench: LocalBench) -> LocalServer:
        return SambaServer(server, bench.home, bench.account, bench.root, bench.runners)


BOX = Server("box", "a made-up appliance", "trixie", Conf(), platform=Appliance())
KNOWN = replace(CATALOGUE, servers={**CATALOGUE.servers, BOX.name: BOX})
on_server = partial(settings.on_server, KNOWN, say=language("en"))


@pytest.mark.local_lab
def test_a_platform_that_nobody_knew_is_rehearsed(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "_parts", lambda _platform: AppliancePart())
    cells = ["signing-required:box:windows-10-1703:open"]
    made = conduct(tmp_path, cells, Stage(lab), pool, catalogue=KNOWN)
    (cell,) = made.cells
    assert cell.effect is Effect.KEPT
    assert cell.phases[Phase.APPLIED].signed is True
    assert cell.restored is True


def test_what_it_cannot_have_is_left_out_and_what_it_can_is_told() -> None:
    with pytest.raises(NotApplicableError, match="has no switch for smb3-only"):
        KNOWN.mitigation("smb3-only").changed(BOX.state, BOX)
    assert on_server("signing-required", "box") == (Doing("on its web page: Sign everything"),)
    assert on_server("smb3-only", "box") == ()


def test_a_guest_serves_it_that_says_so() -> None:
    guest = SimpleNamespace(name="any", image=None, can=("serve-appliance",))
    found: dict[str, object] = {"any": guest}
    assert choice.why_not(BOX, BOX.state, found) == ""  # type: ignore[arg-type]
    assert "no guest of guests.yaml runs trixie" in choice.why_not(BOX, BOX.state, {})


def test_a_lab_without_a_part_for_it_says_so(lab: LocalLab) -> None:
    with pytest.raises(LabFault, match=r"the local lab has no way to serve box.*appliance"), lab.serve(BOX):
        pass
    ksmbd = replace(CATALOGUE.servers["ksmbd"], name="k")
    with pytest.raises(LabFault, match="the local lab has no way to serve k"), lab.serve(ksmbd):
        pass


def test_each_platform_is_a_file_of_its_name_and_labs_have_a_part_of_it() -> None:
    assert platforms.names() == ("ksmbd", "samba", "windows")
    for name in platforms.names():
        assert platforms.named(name).name == name
        assert type(part_of(platforms.named(name))) is not LabPart
    with pytest.raises(ValueError, match=r"'netware' is no platform: there are ksmbd, samba and windows"):
        platforms.named("netware")


FILES = ("harness.servers.platforms", "harness.labs.platforms")


def test_nobody_asks_which_platform_it_is() -> None:
    """Whatever differs between platforms is said in the file of each."""
    asking = [
        f"{name_of(path)}:{line}"
        for path in HARNESS
        if not name_of(path).startswith(FILES) and "latform" in path.read_text()
        for line in asked(tree(path))
    ]
    assert asking == []


def asked(module: ast.Module) -> Iterator[int]:
    """The lines that compare something's platform with one that is named there."""
    for node in ast.walk(module):
        if isinstance(node, ast.Compare | ast.Match | ast.Call | ast.Attribute):
            text = ast.unparse(node)
            if any(pattern.search(text) for pattern in ASKED.get(type(node), ())):
                yield node.lineno


_NAMED = rf"""['"]({"|".join(platforms.names())})['"]"""
ASKED: Mapping[type[ast.AST], tuple[re.Pattern[str], ...]] = {
    ast.Compare: (re.compile(rf"platform.*{_NAMED}"), re.compile(rf"{_NAMED}.*platform")),
    ast.Match: (re.compile(r"^match [^\n]*platform"),),
    ast.Call: (re.compile(r"^isinstance\([^,]*platform"),),
    ast.Attribute: (re.compile(r"^Platform\.[A-Z]+$"),),
}
"""By the kind of expression, how one that asks for a platform reads."""


def test_who_asks_is_seen() -> None:
    for text in (
        "if server.platform == 'windows': pass",
        "if str(guest.platform) in ('samba', 'ksmbd'): pass",
        "x = isinstance(server.platform, Windows)",
        "if server.platform is Platform.WINDOWS: pass",
        "match server.platform:\n    case 'samba': pass",
    ):
        assert [*asked(ast.parse(text))], text
    assert [*asked(ast.parse("if platform != self.platform: pass"))] == []
