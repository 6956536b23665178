"""Packages of others add to what can be rehearsed; a broken one costs nothing else, and is named."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.catalogue import made_of
from harness.catalogue.packages import installed
from harness.cli.main import main
from harness.model import CellId
from harness.planning.sources import added, kept

MODULE = '''"""Changes of another package."""

from harness.mitigations.base import Expectation, Mitigation


class More(Mitigation):
    name = "more-of-it"
    title = "a change of another package"
    expectation = Expectation("nothing", "its makers")


MITIGATIONS = (More(),)
ONE = More()
ONE.name = "one-more"
HALF = (5,)
'''
SCRIPT = '''"""What another package rehearses."""

from harness.scenario import Scenario

SCENARIO = Scenario(servers=["samba-4.22"], mitigations=["more-of-it"], clients=["curl"], checks=["open"])
'''
ENTRIES = """[smb_rehearsal.mitigations]
all = smb_more.changes
one = smb_more.changes:ONE
half = smb_more.changes:HALF
gone = smb_more.nowhere

[smb_rehearsal.scenarios]
ours = smb_more.scripts

[smb_rehearsal.servers]
broken = smb_broken
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package as pip(1) leaves it, on the path of modules; another one of it cannot be loaded."""
    scripts = tmp_path / "smb_more" / "scripts"
    scripts.mkdir(parents=True)
    (tmp_path / "smb_more" / "__init__.py").write_text("")
    (tmp_path / "smb_more" / "changes.py").write_text(MODULE)
    (scripts / "__init__.py").write_text("")
    (scripts / "all_of_it.py").write_text(SCRIPT)
    (tmp_path / "smb_broken.py").write_text("\n1 / 0\n")
    info = tmp_path / "smb_more-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smb-more\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("smb_more", "smb_broken"))]:
        del sys.modules[name]


@pytest.mark.usefixtures("package")
def test_what_a_package_adds_is_there_with_its_name_and_version() -> None:
    catalogue = made_of(*installed())
    assert catalogue.whose("mitigation", "more-of-it") == "smb-more 1.2"
    assert catalogue.whose("mitigation", "one-more") == "smb-more 1.2"
    assert catalogue.whose("scenario", "all-of-it") == "smb-more 1.2"
    # In another process it is the same: a worker is handed the sources.
    again = pickle.loads(pickle.dumps(catalogue))
    assert again.whose("mitigation", "one-more") == "smb-more 1.2"
    cell = CellId("more-of-it", "samba-4.22", "curl", "open")
    assert [(one.kind, one.name) for one in added(catalogue, [cell])] == [("package", "smb-more 1.2")]
    assert kept(catalogue, [cell]) == {}
    assert "more-of-it" in catalogue.only().mitigations


def test_a_broken_one_is_left_out_and_named(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "mitigations"]) == 0
    shown = capsys.readouterr()
    assert "smb-more 1.2" in shown.out
    said = shown.err.replace(f"{package}/", "")
    assert "left out: smb-more 1.2: smb_more/changes.py:15: HALF holds 5, which is no Mit" in said
    assert "left out: smb-more 1.2: smb_rehearsal.mitigations: there is no module smb_more.nowhere" in said
    assert "left out: smb-more 1.2: smb_broken.py:2: ZeroDivisionError: division by zero" in said
    assert main(["plan", "all-of-it"]) == 0
    # It is handed on to a catalogue with more in it.
    broken = made_of(*installed())
    (exposures,) = [one for one in broken.unusable if "nowhere" in one]
    assert exposures in broken.adding(*broken.sources).unusable
