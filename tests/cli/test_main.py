"""The command line as a process: mistakes are answered in one line, and every verb shows what it should."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import sys
from pathlib import Path

import pytest
from commandline import REHEARSE, rehearse, users
from known import CATALOGUE

from harness.checks import EVERYDAY
from harness.cli import main as cli
from harness.model import Check
from harness.planning import planner
from harness.system.paths import cache_dir
from harness.system.process import Result, run
from harness.verbs.run import new_folder

CELL = "smb3-only:samba-4.22:windows-7:open"
BAD_SCRIPT = (
    '"""A title."""\nfrom harness.scenario import Scenario\nSCENARIO = Scenario(servers=["samba-9"])\n'
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "did you mean run"),
        (["run", "--pdf"], "--pdf"),
        (["plan", "article", "--only", "windows-px"], "did you mean windows-xp"),
        (["list", "foo"], "The kinds: servers, mitigations, clients,"),
        (["list", "curl"], "See: rehearse show curl"),
        (["show", "smb3-only+guest-off"], "its parts have: rehearse show smb3-only, rehearse show guest-off"),
        (["run", "--colour"], "--colour"),
        (["run", "--workers", "0"], "must be 1 or more"),
        (["run", "articel"], "did you mean article"),
        (["run", "smb3-onyl:samba-4.22"], "did you mean smb3-only"),
        (["run", "smb3-only:samba-4.2:windows-7"], "did you mean samba-4.2"),
        (["run", "smb3-only:samba-4.22:windows-8"], "no client is called 'windows-8'"),
        (["run", "smb3-only:samba-4.22:windows-7:opne"], "did you mean open"),
        (["run", "smb3-only:samba-9*"], "no server matches"),
        (["run", "smb3-only+smb3-only:samba-4.22"], "names a mitigation twice"),
        (["run", "vendor-patch:consumer-nas"], "no patch to be had"),
        (["run", "article", CELL], f"did you mean: article --only '{CELL}'"),
        (["plan", "article", "--only", "*:samba-4.25"], "leaves no cell"),
        (["plan", "--pairwise"], "--pairwise needs cell selectors"),
        (["plan", "--pairwise", "article"], "--pairwise needs cell selectors"),
        (["plan", "--pairwise", "guest-off+smb3-only:samba-4.22"], "combines by itself"),
        (["plan", "--parts", "2", CELL], "--parts says how --pairwise combines"),
        (["plan", "--pairwise", "--parts", "1", CELL], "must be 2 or more"),
        (["run", "--resume", "--pairwise"], "has its own cells"),
        (["run", "--resume"], "there is no run"),
        (["run", CELL, "--failed-only"], "has its own cells"),
        (["run", "no/such/script.py"], "cannot be read"),
        (["report"], "there is no run"),
        (["report", "2017"], "there is no run"),
        (["list", "sevrers"], "did you mean servers"),
        (["show", "windows-px"], "did you mean windows-xp"),
        (["show", "client", "windows-px"], "no client is called 'windows-px'; did you mean windows-xp"),
        (["show", "client", "samba-4.22"], "no client is called 'samba-4.22'"),
        (["show", "clinet", "curl"], "did you mean clients? The kinds: servers,"),
        (["show", "client", "curl", "rclone"], "one thing at a time"),
        (["show", CELL], "there is no run"),
    ],
)
def test_a_mistake_is_answered_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    done = rehearse(*words, env={"XDG_STATE_HOME": str(tmp_path)})
    assert done.status == 64
    assert done.stdout == ""
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("rehearse: ")


@pytest.mark.parametrize("name", ["smb3-only:samba-4.22:smbclient:open", "smb3-only:samba-4.22"])
def test_what_another_run_has_is_found_there(tmp_path: Path, name: str) -> None:
    """A show of what was measured before the newest run."""
    older, newer = (
        new_folder(
            CATALOGUE, tmp_path, planner.from_selectors(CATALOGUE, [f"{change}:samba-4.22:{who}:open"])
        )
        for change, who in (("smb3-only", "smbclient"), ("none", "curl"))
    )
    done = rehearse("show", name, "--runs", tmp_path)
    assert done.status == 64
    kind = "cell" if name.endswith("open") else "change on a server"
    has = f"{older.name} has it: rehearse show {name} --run {older}"
    assert done.stderr == f"rehearse: no {kind} of {newer.name} is called {name!r}; {has}\n"
    neither = rehearse("show", "smb1-server-off:samba-4.13", "--runs", tmp_path)
    assert f"See: rehearse report {newer} --details" in neither.stderr


def test_a_mistake_in_a_scenario_names_file_and_line(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(BAD_SCRIPT)
    done = rehearse("plan", script, "--runs", tmp_path)
    assert done.status == 64
    assert f"{script}:3: no server is called 'samba-9'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_directory_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    done = rehearse("run", CELL, "--runs", file / "runs")
    assert done.status == 2
    assert done.stdout == ""
    assert "--runs" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "env", [{"HOME": "/dev/null/home", "XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "/dev/null/state"}]
)
def test_a_run_without_a_home_to_keep_it(env: dict[str, str]) -> None:
    done = rehearse("run", CELL, env=env)
    assert done.status == 2
    assert done.stdout == ""
    assert "--runs" in done.stderr
    assert len(done.stderr.splitlines()) == 1


PLACES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
NOWHERE = "/dev/null/none"
RUN = Path(__file__).resolve().parent.parent / "data/run"


@pytest.mark.parametrize(
    "words",
    [
        ["list", "servers"],
        ["list", "images"],
        ["list", "guests"],
        ["list", "runs"],
        ["show", "smb3-only"],
        ["plan", CELL],
        ["report", "RUN", "--details"],
        ["diff", "RUN", "RUN"],
        ["rollout", "--run", "RUN"],
        ["fleet", "show"],
        ["boxes", "list"],
        ["images", "list"],
        ["completion", "bash"],
        ["cache-key"],
        ["clean"],
        ["init", "HERE"],
    ],
    ids=" ".join,
)
def test_who_writes_nothing_needs_no_place_to_write(tmp_path: Path, words: list[str]) -> None:
    """Or only where it is told to: it does the same as with folders that are there and empty."""
    empty = tmp_path / "none"
    empty.mkdir()
    done: list[Result] = []
    for place in (str(empty), NOWHERE):
        named = {"RUN": str(RUN), "HERE": str(tmp_path / f"office{len(done)}")}
        words_now = [named.get(word, word) for word in words]
        done.append(rehearse(*words_now, env=dict.fromkeys(PLACES, place)))
    with_empty, nowhere = done
    assert nowhere.status == with_empty.status
    for said, before in ((nowhere.stdout, with_empty.stdout), (nowhere.stderr, with_empty.stderr)):
        assert said.replace(NOWHERE, "…").replace("office1", "office0") == before.replace(str(empty), "…")


def test_doctor_without_a_home_looks_at_everything_too() -> None:
    around = {"XDG_CACHE_HOME": str(cache_dir().parent), "XDG_STATE_HOME": "/dev/null/state"}
    done = rehearse("doctor", "--json", env=around)
    assert done.status == 2, done.stderr
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert not findings["runs directory"]["ok"]
    assert "XDG_STATE_HOME" in findings["runs directory"]["mend"]
    assert findings["cache directory"]["ok"]


def test_without_home_the_user_database_is_asked() -> None:
    if not os.access(pwd.getpwuid(os.getuid()).pw_dir, os.W_OK):
        pytest.skip("this user namespace calls its only user root, whose home is another's")
    done = run(
        ["env", "-u", "HOME", "-u", "XDG_STATE_HOME", *REHEARSE, "list", "runs"], timeout=60, env=users()
    )
    assert done.ok
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["list", "servers"], list(CATALOGUE.servers)),
        (["list", "clients"], list(CATALOGUE.clients)),
        (["list", "mitigations"], list(CATALOGUE.mitigations)),
        (["list", "checks"], [check.value for check in Check]),
        (["list", "scenarios"], list(CATALOGUE.scenarios)),
        (["list", "images"], ["bullseye", "trixie"]),
        (["list"], ["servers", "clients", "mitigations", "checks", "scenarios", "images", "runs"]),
    ],
)
def test_lists_name_everything(tmp_path: Path, words: list[str], names: list[str]) -> None:
    shown = rehearse(*words, "--runs", tmp_path)
    assert shown.ok
    assert shown.stderr == ""
    for name in names:
        assert name in shown.stdout
    rows = json.loads(rehearse(*words, "--json", "--runs", tmp_path).stdout)
    assert {row["name"] for row in rows} >= set(names)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("windows-xp", ["client", "recorded (emulated)", "NTLMv1", "browse, open, write"]),
        ("sles11-like", ["configured (emulated)", "server max protocol = NT1", "vendor-patch to"]),
        ("nt-pipe-support-off", ["mitigation", "server", "named pipe", "smb.conf(5)"]),
        ("article-1-smb1-removed", ["scenario", "total", "the article, row 1"]),
        ("browse-connected", ["check", "before the change"]),
        ("smb3-only@reload", ["mitigation", "smbcontrol smbd reload-config"]),
    ],
)
def test_everything_has_a_page(tmp_path: Path, name: str, words: list[str]) -> None:
    shown = rehearse("show", name, "--runs", tmp_path)
    assert shown.ok
    for word in words:
        assert word in " ".join(shown.stdout.split())


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shown = rehearse("plan", "smb3-only:consumer-nas,samba-4.22:windows-7", "--runs", runs, "--json")
    assert shown.ok
    cells = [row["cell"] for row in json.loads(shown.stdout)]
    assert cells == [f"smb3-only:samba-4.22:windows-7:{check}" for check in EVERYDAY]
    assert "not applicable: smb3-only on ~consumer-nas: a consumer NAS" in shown.stderr
    assert "4 cells, 1 server to start, 12 attempts; images: trixie" in shown.stderr
    assert not runs.exists()


def test_a_plan_is_told_in_numbers_and_in_cells_when_asked(tmp_path: Path) -> None:
    words = ("plan", "smb3-only", "consumer-nas,samba-4.22", "windows-7", "--runs", tmp_path)
    shown = rehearse(*words)
    assert shown.ok
    said = "smb3-only consumer-nas,samba-4.22 windows-7 selects 'smb3-only:consumer-nas,samba-4.22:windows-7'"
    assert shown.stderr == f"{said}: 4 cells, 1 server to start\n"
    counts = "1        1        1        4       4      1       smb3-only:consumer-nas,samba-4.22:windows-7"
    assert counts in shown.stdout
    assert "4 cells cannot be rehearsed:\n  smb3-only on ~consumer-nas: a consumer NAS" in shown.stdout
    assert "~ emulated: rebuilt, not the product itself" in shown.stdout
    assert "by what such runs took elsewhere on two cores" in shown.stdout
    cell = "smb3-only:samba-4.22:windows-7:browse"
    assert cell not in shown.stdout
    assert cell in rehearse(*words, "--details").stdout


def test_the_plan_of_no_words_is_the_article(tmp_path: Path) -> None:
    rows = json.loads(rehearse("plan", "--json", "--runs", tmp_path).stdout)
    found = {row["cell"].split(":")[0] for row in rows}
    assert {"smb1-client-off", "nt-pipe-support-off", "vendor-patch", "server-stopped", "smb3-only"} <= found


def test_doctor_looks_at_everything(tmp_path: Path) -> None:
    shown = rehearse("doctor", "--json", "--runs", tmp_path)
    findings = {finding["name"]: finding for finding in json.loads(shown.stdout)}
    assert {"Python", "private lab", "cache directory", "disk space", "image trixie"} <= set(findings)
    assert shown.status == (0 if all(one["ok"] for one in findings.values()) else 2)
    assert findings["Python"]["ok"]
    assert "private lab" in rehearse("doctor", "--runs", tmp_path).stdout


def test_clean_where_nothing_is_left(tmp_path: Path) -> None:
    assert rehearse("clean", "--runs", tmp_path).stdout == "nothing was left behind\n"
    left = tmp_path / "2026-cut-off" / "lab" / "state"
    left.mkdir(parents=True)
    assert rehearse("clean", "--runs", tmp_path).stdout == "removed lab of the interrupted run 2026-cut-off\n"
    assert not left.exists()


@pytest.mark.parametrize("words", ["list servers", "list clients --json", "show sles11-like", "plan"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, words: str) -> None:
    """``| head``: the pipe is closed before anything was written."""
    errors = tmp_path / "errors"
    command = f'{{ "$0" -m harness {words} 2>"$1"; echo $? >"$2"; }} | true'
    run(["sh", "-c", command, sys.executable, errors, tmp_path / "status"], timeout=60, env=users()).check(
        "sh"
    )
    assert "Error" not in errors.read_text()
    assert "Traceback" not in errors.read_text()
    assert (tmp_path / "status").read_text() == f"{128 + signal.SIGPIPE}\n"


def test_help_and_version() -> None:
    assert rehearse("--version").stdout.startswith("smb-rehearsal ")
    shown = rehearse("--help")
    assert shown.ok
    for word in ("run", "plan", "list", "show", "report", "doctor", "clean", "examples:", "exit status:"):
        assert word in shown.stdout


def test_without_a_word_the_commands_that_matter_are_shown() -> None:
    shown = rehearse()
    assert shown.status == 64, "nothing was done"
    assert shown.stderr == ""
    commands = [line.split()[:2] for line in shown.stdout.splitlines() if line.startswith("  rehearse ")]
    assert commands == [["rehearse", verb] for verb in ("doctor", "list", "plan", "run", "report")]
    for line in shown.stdout.splitlines():
        if line.startswith("  rehearse "):
            cli.parse(re.split(r" {2,}", line.strip())[0].split()[1:])


def test_help_is_a_word_too() -> None:
    assert rehearse("help", "plan").stdout == rehearse("plan", "--help").stdout != ""
    assert rehearse("version").stdout == rehearse("--version").stdout


@pytest.mark.parametrize("words", [("list", "client"), ("show", "personas")])
def test_a_kind_is_listed_however_it_is_asked_for(words: tuple[str, str], tmp_path: Path) -> None:
    wanted = rehearse("list", "clients", "--runs", tmp_path)
    assert rehearse(*words, "--runs", tmp_path).stdout == wanted.stdout != ""


def test_a_full_standard_output_is_no_success() -> None:
    done = run(
        ["sh", "-c", '"$0" -m harness list servers >/dev/full', sys.executable], timeout=60, env=users()
    )
    assert not done.ok
    assert "Traceback" not in done.stderr
    assert os.strerror(28) in done.stderr


def test_a_plan_of_every_pair_says_what_it_costs_and_what_is_left_out() -> None:
    words = "smb3-only,smb311-only,guest-off,signing-required,server-stopped:samba-4.22:windows-7:open"
    done = rehearse("plan", "--pairwise", words, "--json")
    assert done.status == 0
    changes = {row["cell"].partition(":")[0] for row in json.loads(done.stdout)}
    assert changes >= {"smb3-only", "smb311-only", "guest-off", "signing-required", "server-stopped"}
    assert any(change.count("+") == 2 for change in changes)
    assert "5 changes alone, and 2 combinations in which all 5 pairs of them meet" in done.stderr
    assert "smb3-only+smb311-only on samba-4.22: both decide server min protocol" in done.stderr
    assert "server-stopped+* on samba-4.22: with the server stopped nothing else shows" in done.stderr


def test_holes_that_must_be_closed_and_are_not_looked_at_are_said_so() -> None:
    scenario_name = "article-7-stage-3-smb3"
    assert "6 holes that must be closed" in rehearse("plan", scenario_name, "--no-exposures").stderr
    assert "must be closed" not in rehearse("plan", scenario_name).stderr


def test_exposures_are_listed_and_shown() -> None:
    listed = rehearse("list", "exposures", "--json")
    names = {record["name"] for record in json.loads(listed.stdout)}
    assert names >= {"smb1-spoken", "ms17-010", "cve-2017-7494", "falls-over"}
    shown = rehearse("show", "ms17-010")
    for word in ("PeekNamedPipe", "safe", "KB4023262"):
        assert word in shown.stdout, word


def test_a_file_of_exposures_is_read_and_a_wrong_one_is_answered(tmp_path: Path) -> None:
    own = tmp_path / "ours.toml"
    own.write_text(
        '[[exposure]]\nname = "cve-2099-0001"\ntitle = "ours"\nplatform = "samba"\ncve = "CVE-2099-0001"\n'
        'affected = [">=4.0 <4.19.9"]\nsource = "us"\n'
    )
    assert "cve-2099-0001" in rehearse("list", "exposures", "--exposures", own).stdout
    assert "ours" in rehearse("show", "cve-2099-0001", "--exposures", own).stdout
    script = tmp_path / "ours.py"
    script.write_text(
        '"""Ours."""\nfrom harness.scenario import Closes, Scenario\n'
        'SCENARIO = Scenario(servers=["samba-4.22"], mitigations=["smb3-only"], clients=["smbclient"], '
        'checks=["open"], closes=[Closes("*:*:cve-2099-0001")])\n'
    )
    assert rehearse("plan", script).status == 64
    assert rehearse("plan", script, "--exposures", own).status == 0
    own.write_text(own.read_text().replace("4.19.9", "nine"))
    wrong = rehearse("list", "exposures", "--exposures", own)
    assert (wrong.status, wrong.stdout) == (64, "")
    assert f"{own}: exposure.0.affected" in wrong.stderr


URI = ["--connect", "qemu+ssh://host/system"]


@pytest.mark.parametrize(
    ("words", "command", "connect"),
    [
        (["box"], [], None),
        (["box", "--", "ls", "-l", "--", "x"], ["ls", "-l", "--", "x"], None),
        (["box", "uptime"], ["uptime"], None),
        (["box", *URI, "--", "ls", "-l"], ["ls", "-l"], URI[1]),
        ([*URI, "box", "--", "ls", "-l"], ["ls", "-l"], URI[1]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_command_of_a_shell_may_stand_behind_any_option(
    words: list[str], command: list[str], connect: str | None
) -> None:
    options = cli.parse(["shell", *words])
    assert (options.name, options.command, options.connect) == ("box", command, connect)
