"""How our processes end by signals, whenever they come: the documented status, and no traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import MARK, begin, left_of, only_run, rehearse, users, wait_until_gone

from harness.system import entry
from harness.system.deadline import wait_for
from harness.system.process import run, start

STOPPED, FAULT = 130, 2
CELL = ("nt-pipe-support-off:samba-4.22:windows-7,windows-10-1703:browse,open", "--quiet", "--no-exposures")


@pytest.mark.parametrize("number", entry.STOPS)
@pytest.mark.parametrize("module", ["difflib", "rich.console"])
def test_a_signal_while_modules_are_loaded(tmp_path: Path, module: str, number: signal.Signals) -> None:
    """The signal is sent in the middle of an import: of the command line's, and of a verb's."""
    package, _, name = module.rpartition(".")
    (tmp_path / package).mkdir(exist_ok=True)
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / f"{name}.py").write_text(
        f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n"
    )
    done = rehearse(
        "list", "servers", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"}
    )
    assert (done.status, done.stdout, done.stderr) == (STOPPED, "", "rehearse: stopped\n")


@pytest.mark.parametrize("number", entry.STOPS)
def test_a_signal_before_anything_answers_it(tmp_path: Path, number: signal.Signals) -> None:
    """The module is one that ``harness.system.entry`` itself has Python load."""
    (tmp_path / "textwrap.py").write_text(
        f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n"
    )
    done = rehearse(
        "list", "servers", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"}
    )
    assert (done.status, done.stdout, done.stderr) == (-number, "", "")


def test_the_status_is_ours_whatever_the_signal_went_through(tmp_path: Path) -> None:
    """``python -m`` ended by SIGINT where a dataclass was just being made."""
    (tmp_path / "making.py").write_text("def main(argv):\n    exec('raise KeyboardInterrupt')\n")
    around = users(PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    done = run([sys.executable, "-m", "harness.system.entry", "making"], timeout=60, env=around)
    assert (done.status, done.stderr) == (STOPPED, "rehearse: stopped\n")


@pytest.mark.parametrize(
    "when",
    ["os.register_at_fork(before=send)", "try:\n    send()\nexcept BaseException:\n    pass"],
    ids=["fork", "load"],
)
def test_a_signal_while_workers_begin_is_not_lost(tmp_path: Path, when: str) -> None:
    """What its handler raises around a fork, and in a library that is loaded, is dropped: the run went on."""
    sends = "def send():\n    os.kill(os.getpid(), 15)\n    os.getpid()\n"
    (tmp_path / "loaded.py").write_text(f"import os\n{sends}{when}\n")
    code = (
        "from types import SimpleNamespace\nfrom harness.conduct import workers\n"
        "from harness.system import entry\nworkers.PRELOAD = 'loaded'\n"
        "try:\n    with entry.stoppable(), workers.Pool(SimpleNamespace(clients={}), 1, fork=True):\n"
        "        print('went on')\nexcept KeyboardInterrupt:\n    print('stopped')\n"
    )
    around = users(PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    done = run([sys.executable, "-c", code], timeout=60, env=around)
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def test_a_signal_at_the_very_end_changes_nothing() -> None:
    code = (
        "import atexit, os, signal, sys\nfrom harness.system.entry import begin\n"
        "atexit.register(lambda: [os.kill(os.getpid(), n) for n in (1, 2, 15)])\n"
        "sys.exit(begin('harness.cli.main', ['--version']))\n"
    )
    # --version ends by SystemExit, as argparse does.
    done = run([sys.executable, "-c", code], timeout=60, env=users())
    assert (done.status, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_open_is_closed(number: signal.Signals) -> None:
    code = (
        "import os, sys\nfrom harness.system.entry import stoppable\n"
        "try:\n    with stoppable():\n        try:\n"
        f"            os.kill(os.getpid(), {int(number)})\n            while True: pass\n"
        "        finally:\n            print('closed')\nexcept KeyboardInterrupt:\n    sys.exit(3)\n"
    )
    done = run([sys.executable, "-c", code], timeout=60, env=users())
    assert (done.status, done.stdout) == (3, "closed\n")


@pytest.mark.parametrize(
    ("status", "passed_on", "documented"),
    [
        *[(status, (), status) for status in (0, 1, 2, 3, 64, 70, 130)],
        *[(128 + number, (), STOPPED) for number in entry.STOPS],
        (128 + signal.SIGKILL, (), FAULT),
        (128 + signal.SIGSEGV, (), FAULT),
        (128 + 64, (), FAULT),
        # It did not end in time after it was asked to.
        (128 + signal.SIGKILL, (signal.SIGTERM,), STOPPED),
    ],
)
def test_how_a_lab_ended(
    status: int, passed_on: tuple[int, ...], documented: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.of_the_lab(status, passed_on) == documented
    said = capsys.readouterr().err
    assert ("killed from outside" in said) is (documented == FAULT and status != FAULT)


PROCESSES = ("outer", "unshare", "first", "inside")


def process_of(outer: int, which: str) -> int | None:
    """The pid of one of the processes between the command line and the lab; None while it is not there."""
    pid = outer
    for _ in range(PROCESSES.index(which)):
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return None
        if not children:
            return None
        pid = int(children[0])
    return pid


def begun(folder: Path, _outer: int) -> bool:
    """It measures."""
    journal = folder / "journal.jsonl"
    return journal.exists() and '"attempt"' in journal.read_text()


def planned(_folder: Path, outer: int) -> bool:
    """The lab is being entered; what measures in it is loading its modules."""
    inside = process_of(outer, "inside")
    try:
        return (
            inside is not None
            and b"harness.conduct.namespace_entry" in Path(f"/proc/{inside}/cmdline").read_bytes()
        )
    except OSError:
        return False


ENDS = [
    ("unshare", signal.SIGKILL, begun, FAULT),
    ("first", signal.SIGKILL, begun, FAULT),
    ("inside", signal.SIGKILL, begun, FAULT),
    ("inside", signal.SIGKILL, planned, FAULT),
    *[("inside", number, begun, STOPPED) for number in (signal.SIGTERM, signal.SIGHUP)],
    *[("inside", number, planned, STOPPED) for number in entry.STOPS],
    ("first", signal.SIGTERM, begun, STOPPED),
    ("outer", signal.SIGTERM, planned, STOPPED),
]


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("which", "number", "moment", "status"),
    ENDS,
    ids=[f"{which}-{number.name}-{moment.__name__}" for which, number, moment, _ in ENDS],
)
def test_a_run_that_is_cut_off(
    tmp_path: Path, which: str, number: signal.Signals, moment: Callable[[Path, int], bool], status: int
) -> None:
    runs, mark = tmp_path / "runs", str(tmp_path)
    process = begin(tmp_path / "out", mark, "run", *CELL, "--runs", runs)
    folder = only_run(runs)
    wait_for("the moment", lambda: moment(folder, process.pid) or process.poll() is not None, 60.0)
    pid = process_of(process.pid, which)
    assert pid is not None
    os.kill(pid, number)
    assert process.wait(120) == status
    wait_until_gone(mark)
    said = (tmp_path / "out").read_text()
    assert "Traceback" not in said
    assert ("the lab was killed from outside" in said) is (status == FAULT)
    assert ("stopped" in said) is (status == STOPPED)
    # The kernel may still be ending the lab's processes, which have the folder: the next start removes it.
    assert which == "unshare" or not (folder / "lab").exists()
    assert left_of(mark) == []


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    """Every process of it gets the SIGHUP that a shell sends when it ends."""
    runs, mark = tmp_path / "runs", str(tmp_path)
    output = tmp_path / "out"
    words = ["nohup", sys.executable, "-m", "harness", "run", *CELL, "--runs", str(runs)]
    process = start(words, output=output, env=users(**{MARK: mark}))
    folder = only_run(runs)
    wait_for("the moment", lambda: begun(folder, process.pid) or process.poll() is not None, 60.0)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(120) == 1, output.read_text()
