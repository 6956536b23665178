"""``pytest scenarios/``: cells and holes as tests, which fail as ``rehearse run`` does."""

from __future__ import annotations

import sys
from collections.abc import Collection
from io import StringIO
from pathlib import Path

import pytest
from commandline import users
from known import CATALOGUE

from harness.catalogue.built_in import SCENARIOS
from harness.projects import begin
from harness.record import folders, journal, readback
from harness.report import terminal
from harness.report.documents.result import to_document
from harness.report.page import console_for
from harness.system.process import Result, run
from harness.verbs.facts import of_kind

SCRIPT = SCENARIOS / "interactions_1_pipes_and_rap.py"
KEPT = "nt-pipe-support-off:samba-4.22-smb1:samba-smbclient-3:browse"
CLOSED = "smb1-server-off:samba-4.22-smb1:rap-listing"


ANYWHERE = ("-p", "harness.pytest_scenarios")
CLIENTS = ("windows-10-1703", "curl")
OWN = f"""'''Who follows?'''

from harness.scenario import Scenario

SCENARIO = Scenario(
    servers=["samba-4.22", "consumer-nas"],
    mitigations=["smb3-only"],
    clients={list(CLIENTS)},
    checks=["open", "browse"],
)
"""


def as_tests(script: Path, *words: str, without: Collection[str] = ()) -> Result:
    argv = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", str(script), *words]
    env = {name: value for name, value in users().items() if name not in without}
    return run(argv, cwd=SCENARIOS.parent, timeout=300, env=env)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of somebody's own, with a scenario and with what only looks like one."""
    folder = tmp_path / "my" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "own_change.py").write_text(OWN)
    (folder / "words.py").write_text("from harness.planning import scenario\nTEXT = '''\nSCENARIO = 1\n'''\n")
    (folder / "test_of_one.py").write_text(
        "import harness.planning.scenario\nSCENARIO = 'as a file has it'\n"
    )
    return folder


def test_what_is_not_applicable_is_skipped_with_the_reason_wherever_the_script_is(own: Path) -> None:
    done = as_tests(own, *ANYWHERE, "-v", "-rs", "-s", "-k", "consumer-nas")
    assert done.ok, done.stdout
    for who in CLIENTS:
        for check in ("open", "browse"):
            assert f"own_change.py::smb3-only:consumer-nas:{who}:{check} SKIPPED" in done.stdout
    assert "4 skipped, 4 deselected" in done.stdout
    assert "smb3-only on consumer-nas: a consumer NAS of about 2012 speaks at most" in done.stdout
    # Nothing was measured for that.
    assert "cells are rehearsed" not in done.stdout + done.stderr


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_what_is_selected_is_measured_and_no_more(own: Path) -> None:
    wanted = "samba and (windows-10 and open or curl and browse)"
    # In a checkout harness is found by where pytest was started, which what pytest starts must not need.
    paths = ("PYTHONPATH", "PYTHONSAFEPATH")
    done = as_tests(own, *ANYWHERE, "-rs", "-s", "-k", wanted, without=paths)
    assert done.ok, done.stdout
    assert "own_change.py: 2 of 4 cells are rehearsed" in done.stdout + done.stderr
    assert "1 passed, 1 skipped, 6 deselected" in done.stdout
    assert "curl cannot do it at all: " in done.stdout


def test_a_mistake_in_a_script_is_one_line(own: Path) -> None:
    (own / "own_change.py").write_text(OWN.replace("curl", "curly"))
    done = as_tests(own, *ANYWHERE)
    assert "own_change.py:8: no client is called 'curly'; did you mean curl" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_script_that_is_no_python_fails_and_is_not_left_out(own: Path) -> None:
    (own / "slip.py").write_text("import harness.planning.scenario\nSCENARIO = (\n")
    done = as_tests(own, *ANYWHERE, "--collect-only")
    assert "slip.py:2: " in done.stdout
    assert "1 error" in done.stdout
    assert "Traceback" not in done.stdout


def test_every_cell_and_every_hole_that_must_be_closed_is_a_test() -> None:
    listed = as_tests(SCRIPT, "-q", "--collect-only").stdout.splitlines()
    names = {line.partition("::")[2] for line in listed}
    assert {KEPT, CLOSED} <= names
    assert "nt-pipe-support-off:samba-4.22-smb1:rap-listing" not in names


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_hole_that_is_left_open_fails(tmp_path: Path) -> None:
    """RAP goes on listing where only the pipes are off."""
    text = SCRIPT.read_text().replace(
        'Closes("smb1-server-off,', 'Closes("nt-pipe-support-off,smb1-server-off,'
    )
    assert "nt-pipe-support-off,smb1-server-off," in text
    (tmp_path / SCRIPT.name).write_text(text)
    # A hole needs no cell that is selected: one is rehearsed for each.
    done = as_tests(tmp_path / SCRIPT.name, *ANYWHERE, "-q", "-s", "-k", "rap-listing")
    assert "6 of 12 cells are rehearsed" in done.stdout + done.stderr
    failed = {
        line.split("::")[1].split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")
    }
    assert failed == {
        f"nt-pipe-support-off:{server}:rap-listing" for server in ("samba-4.22-smb1", "sles11-like")
    }
    assert "says nt-pipe-support-off closes it, measured open: RAP lists" in done.stdout
    # What is not the real thing is marked.
    lines = [line.strip() for line in done.stdout.splitlines() if "measured open" in line]
    assert any(line.startswith("~ nt-pipe-support-off:sles11-like:rap-listing: ") for line in lines), lines
    assert any(line.startswith("nt-pipe-support-off:samba-4.22-smb1:rap-listing: ") for line in lines), lines


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as it is begun, with a server of its own in Python."""
    folder = tmp_path / "office"
    begin.begin(folder)
    (folder / "servers" / "files.py").write_text(SERVER)
    script = folder / "scenarios" / "office.py"
    script.write_text(script.read_text().replace('"samba-4.22-smb1"', '"our-files"'))
    return folder


SERVER = """from dataclasses import replace

from harness.servers.samba_release import SERVERS as KNOWN

(plain,) = (one for one in KNOWN if one.name == "samba-4.22-smb1")
SERVERS = (replace(plain, name="our-files", title="the file server of our office"),)
"""


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_project_is_tested_by_two_workers_and_measured_once(project: Path, tmp_path: Path) -> None:
    """What is its own is there: in the process of the plan, in the lab, and in the workers of attempts."""
    runs = tmp_path / "runs"
    words = ("-n2", "--dist=load", "--rehearse-evidence=none", f"--rehearse-runs={runs}", "-rA")
    done = as_tests(project, *ANYWHERE, *words)
    assert done.ok, done.stdout
    assert "7 passed" in done.stdout
    assert "rehearsal.toml::all-is-used" in done.stdout
    (run_folder,) = runs.iterdir()
    assert sorted(path.name for path in run_folder.glob("*/*.*") if path.parent.name != "evidence") == [
        "0-files.py",
        "smb3-signed.toml",
    ]
    # Read without the project: it is there, and whose it is.
    result = readback.result_of(CATALOGUE.adding(*folders.of_run(run_folder)), journal.load(run_folder))
    assert [one.name for one in result.added if one.whose == "yours"] == ["smb3-signed", "our-files"]
    (listed,) = of_kind(CATALOGUE, "runs", runs)
    assert listed["state"] == "complete"
    assert to_document(result).added[1].kind == "server"
    shown = StringIO()
    terminal.render(result, console_for(shown))
    assert "yours: smb3-signed, our-files" in shown.getvalue()


def test_what_of_a_project_cannot_be_used_fails_a_test_of_it(project: Path) -> None:
    (project / "mitigations" / "ours.toml").write_text("title = 'x'\n")
    done = as_tests(project / "rehearsal.toml", *ANYWHERE)
    assert "1 failed" in done.stdout
    assert "ours.toml:1: expectation is missing" in done.stdout
    assert "Traceback" not in done.stdout
    listed = as_tests(project, *ANYWHERE, "-q", "--collect-only", "--rehearse-no-project").stdout
    assert "no server is called 'our-files'" in listed
