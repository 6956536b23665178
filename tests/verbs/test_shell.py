"""``rehearse shell --cell``: what is found there is what the cell was measured with, and it ends."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from commandline import REHEARSE, Terminal, begin, left_of, rehearse, users, wait_until_gone

from harness.labs.local import LocalLab
from harness.record import journal
from harness.system import paths
from harness.system.deadline import wait_for
from harness.system.process import run

CELL = "ntlm-off:samba-4.22:smbclient:open"
LOOKS = r"""
cd "$0" && rehearse-cell >page && env >env && pwd >pwd
sed -n 's/^  //; /^smbclient /p; /^shown by/p' page >lines
grep '^smbclient ' lines >line
sh ./line >by-hand 2>&1
rehearse-attempt >attempt; echo $? >status
rehearse-attempt write >write; echo $? >>status
cat "$(sed -n 's/^  smb.conf *//p' page)" >smb.conf
wc -c <"$(sed -n 's/^  log *//p' page)" >log
sed -n 's/:.*//p' /proc/self/net/dev >devices
exit 7
"""


@dataclass(frozen=True)
class Looked:
    """What was seen in a shell."""

    folder: Path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()


def looked(folder: Path, *words: str) -> Looked:
    """Look around at a cell; the command's own exit status comes back."""
    folder.mkdir()
    command = ("sh", "-c", LOOKS, str(folder))
    around = {"MY_OWN": "1"}
    done = rehearse("shell", *words, "--runs", folder.parent / "runs", "--", *command, env=around)
    assert done.status == 7, done.stderr
    return Looked(folder)


@pytest.fixture(scope="module")
def applied(lab: LocalLab, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """With the change, at a cell of a recorded run; ``runs`` is beside it."""
    assert lab
    place = tmp_path_factory.mktemp("shell")
    rehearse("run", CELL, "--no-exposures", "--quiet", "--runs", place / "runs")
    return looked(place / "seen", "--cell", CELL, "--run", "latest")


@pytest.mark.local_lab
def test_the_line_by_hand_comes_to_what_the_cell_came_to(applied: Looked) -> None:
    (folder,) = paths.run_folders(applied.folder.parent / "runs")
    (cell,) = journal.load(folder).attempts.values()
    measured = {phase.value: attempt for phase, attempt in cell.items()}
    assert measured["baseline"].outcome == "ok"
    status = measured["applied"].status or ""
    assert status == "STATUS_NTLM_BLOCKED"
    assert re.fullmatch(
        r"smbclient -s /dev/null .* -U rehearse //127\.\S+/share -c ls\n", applied.read("line")
    )
    assert f"NT_{status}" in applied.read("by-hand")
    assert f"smbclient open: session-setup {status} (server)" in " ".join(applied.read("attempt").split())
    assert applied.read("status").split() == ["1", "1"]


@pytest.mark.local_lab
def test_where_everything_is(applied: Looked) -> None:
    page = applied.read("page")
    assert page.startswith(f"{CELL}, with the change, lab local\n")
    assert "shown by" in page
    env = dict(line.split("=", 1) for line in applied.read("env").splitlines() if "=" in line)
    assert f"address   {env['SMB_SERVER']} port 445, share {env['SMB_SHARE']}" in page
    assert f"account   {env['SMB_USER']}, password {env['PASSWD']}" in page
    assert "ntlm auth = disabled" in applied.read("smb.conf")
    assert f"interfaces = {env['SMB_SERVER']}/8" in applied.read("smb.conf")
    assert int(applied.read("log")) > 0
    # Inside the lab there is only lo; around it is what the user has set.
    assert applied.read("devices").split() == ["lo"]
    assert (env["REHEARSE_CELL"], env["REHEARSE_PHASE"]) == (CELL, "applied")
    assert env["HOME"] == os.environ["HOME"]
    assert env["MY_OWN"] == "1"


@pytest.mark.local_lab
def test_after_the_rollback_the_same_line_comes_through(applied: Looked, tmp_path: Path) -> None:
    seen = looked(tmp_path / "seen", "--cell", CELL, "--phase", "rolled-back")
    assert seen.read("page").startswith(f"{CELL}, after the rollback, lab local\n")
    assert "welcome.txt" in seen.read("by-hand")
    assert seen.read("status").split() == ["0", "0"]
    assert "ntlm auth = disabled" not in seen.read("smb.conf")
    lines = [one.read("line").rpartition("//")[0] for one in (seen, applied)]
    assert lines[0] == lines[1]


@pytest.mark.local_lab
def test_an_emulated_client_and_a_change_of_the_client(lab: LocalLab, tmp_path: Path) -> None:
    """What is set on the client alone goes with its attempts; what is emulated says so."""
    assert lab
    cell = "smb1-client-off:sles11-like:windows-7:open"
    seen = looked(tmp_path / "seen", "--cell", cell, "--lang", "ja")
    assert "このクライアント自身(~windows-7、エミュレート)。" in seen.read("page")
    assert "~sles11-like: Samba" in seen.read("page")
    assert "smbclient(別のクライアント):" in seen.read("page")
    assert "~windows-7 open: negotiate" in seen.read("attempt")
    assert seen.read("status").split() == ["1", "1"]


@pytest.mark.local_lab
def test_an_interactive_shell_on_a_terminal(lab: LocalLab, tmp_path: Path) -> None:
    """Ctrl-C ends what runs in it, and not the lab; its own end is the end."""
    assert lab
    words = ("shell", "--cell", CELL, "--phase", "baseline", "--quiet", "--runs", tmp_path)
    there = tmp_path / "there"
    terminal = Terminal(str(tmp_path), *words, env={"SHELL": "/bin/bash", "HISTFILE": ""})
    terminal.type(f"echo $SMB_SERVER > {there}; sleep 600\n".encode())
    wait_for("the shell", lambda: there.exists() and there.read_text().strip(), 120.0)
    wait_for("its sleep", lambda: any("sleep" in one for one in left_of(str(tmp_path))), 30.0)
    terminal.type(b"\x03")
    terminal.type(b"rehearse-attempt; echo it was $?; exit 3\n")
    shown = terminal.rest()
    assert terminal.process.wait(60) == 3
    assert f"{CELL}, before, lab local" in shown
    assert "it was 0" in shown
    wait_until_gone(str(tmp_path))


@pytest.mark.local_lab
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(lab: LocalLab, tmp_path: Path, number: signal.Signals) -> None:
    assert lab
    there, place = tmp_path / "there", tmp_path / "temporary"
    place.mkdir()
    env = {"TMPDIR": str(place)}
    words = ("shell", "--cell", "none:samba-4.22:windows-7:open", "--runs", tmp_path / "runs", "--")
    command = ("sh", "-c", 'echo > "$0"; sleep 600', str(there))
    shell = begin(tmp_path / "out", str(tmp_path), *words, *command, env=env)
    wait_for("the command", there.exists, 120.0)
    assert len(list(place.iterdir())) == 1
    assert any("smbd" in one for one in left_of(str(tmp_path)))
    os.kill(shell.pid, number)
    assert shell.wait(60) == (130 if number == signal.SIGTERM else -signal.SIGKILL)
    wait_until_gone(str(tmp_path))
    assert "Traceback" not in (tmp_path / "out").read_text()
    left = [path.name for path in place.iterdir()]
    assert len(left) == (number == signal.SIGKILL)
    cleaned = run([*REHEARSE, "clean", "--runs", tmp_path / "runs"], timeout=60, env=users(**env)).stdout
    assert all(f"removed temporary folder {name}" in cleaned for name in left)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no cell and no machine is named"),
        (["--cell", "smb3-only:samba-4.22:windows-7"], "selects 4 cells, and a shell is at one of them"),
        (["--cell", "smb3-only:samba-4.22:windows-px:open"], "did you mean windows-xp"),
        (
            ["--cell", "none:samba-4.22:curl:open", "--phase", "applied"],
            "changes nothing: it has no phase applied",
        ),
        (["--cell", "vendor-patch:consumer-nas:windows-7:open"], "no patch to be had"),
        (["--cell", "smb3-only:samba-4.22:curl:open", "--run", "latest"], "there is no run"),
        (["samba-bookworm", "--phase", "baseline"], "--phase and --run are for a cell"),
    ],
)
def test_a_mistake_is_answered_before_anything_is_started(
    tmp_path: Path, words: list[str], said: str
) -> None:
    done = rehearse("shell", *words, "--runs", tmp_path)
    assert (done.status, done.stdout) == (64, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
