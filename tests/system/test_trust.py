"""What others could have written is not run: scenarios, mitigations, personas, known holes."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import rehearse
from known import CATALOGUE
from owners import can_own

from harness.cli.parser import build
from harness.errors import UsageError
from harness.planning import scenario
from harness.system import trust

SCENARIO = '''"""Mine."""
from pathlib import Path
from harness.scenario import Scenario
Path(__file__).with_name("ran").touch()
SCENARIO = Scenario(servers=["samba-4.22"], mitigations=["none"], clients=["curl"])
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A scenario of ours, in a folder of ours."""
    (tmp_path / "folder").mkdir(mode=0o755)
    path = tmp_path / "folder" / "mine.py"
    path.write_text(SCENARIO)
    path.chmod(0o644)
    return path


def refused(path: Path) -> str:
    """How a scenario is refused. It must not have been run."""
    with pytest.raises(UsageError) as caught:
        scenario.read(CATALOGUE, path)
    assert not path.with_name("ran").exists()
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


def test_ones_own_is_run(mine: Path) -> None:
    scenario.read(CATALOGUE, mine)
    assert mine.with_name("ran").exists()


@pytest.mark.parametrize("mode", [0o646, 0o666, 0o777])
def test_a_file_that_everybody_can_write(mine: Path, mode: int) -> None:
    mine.chmod(mode)
    assert refused(mine).endswith(f"everybody can write {mine}, so that it is not used; chmod o-w {mine}")


def test_a_folder_in_which_everybody_can_replace_it(mine: Path) -> None:
    mine.parent.chmod(0o777)
    assert f"everybody can write {mine.parent}, so that it is not used; chmod o-w {mine.parent}" in refused(
        mine
    )
    link = mine.parent.parent / "link.py"
    link.symlink_to(mine)
    assert f"everybody can write {mine.parent}" in refused(link)
    # As /tmp is: there nobody replaces what belongs to others.
    mine.parent.chmod(0o1777)
    scenario.read(CATALOGUE, mine)


def _other_group() -> int:
    """A group that is not this user's own, in which this process may put a file."""
    mine = pwd.getpwuid(os.geteuid()).pw_gid
    able = [one.gr_gid for one in grp.getgrall() if can_own("gid", one.gr_gid)]
    able = able if os.geteuid() == 0 else os.getgroups()
    found = next((number for number in able if number != mine), None)
    if found is None:
        pytest.skip("this user is in no other group, or none is mapped into the lab")
    return found


def test_a_file_that_a_whole_group_can_write(mine: Path) -> None:
    group = _other_group()
    os.chown(mine, -1, group)
    mine.chmod(0o664)
    assert f"a whole group can write {mine}, so that it is not used; chmod g-w {mine}" in refused(mine)
    mine.chmod(0o644)
    os.chown(mine.parent, -1, group)
    mine.parent.chmod(0o775)
    assert f"a whole group can write {mine.parent}" in refused(mine)


def test_a_checkout_with_umask_002_and_a_private_group_is_right(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = pwd.getpwuid(os.geteuid())
    os.chown(mine, -1, me.pw_gid)
    for path in (mine, mine.parent):
        os.chown(path, -1, me.pw_gid)
        path.chmod(path.stat().st_mode | 0o020)

    def group(name: str, members: list[str]) -> Callable[[int], grp.struct_group]:
        return lambda number: grp.struct_group((name, "x", number, members))

    monkeypatch.setattr(grp, "getgrgid", group(me.pw_name, [me.pw_name]))
    scenario.read(CATALOGUE, mine)
    mine.with_name("ran").unlink()
    # One that has others in it, and one that everybody may have as the first one (users).
    for wrong in (group(me.pw_name, ["eve"]), group("users", [])):
        monkeypatch.setattr(grp, "getgrgid", wrong)
        assert "a whole group can write" in refused(mine)


@pytest.mark.skipif(not can_own("uid", 1234), reason="only root gives files away, to whom is mapped")
def test_a_file_of_somebody_else(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    for path in (mine, mine.parent):
        os.chown(path, 1234, 1234)
        assert f"{path} belongs to " in refused(mine)
        assert refused(mine).endswith("copy it to a folder of your own")
        os.chown(path, 0, 0)
    os.chown(mine, 1234, 1234)
    monkeypatch.setenv("SUDO_UID", "1234")
    scenario.read(CATALOGUE, mine)
    monkeypatch.delenv("SUDO_UID")
    own = mine.parent / "harness"
    own.mkdir()
    os.chown(own, 1234, 1234)
    monkeypatch.setattr(trust, "_OWN", own)
    scenario.read(CATALOGUE, mine)


def test_the_verbs_say_so(mine: Path) -> None:
    mine.chmod(0o666)
    done = rehearse("run", mine, "--runs", mine.parent / "runs")
    assert (done.status, done.stdout) == (64, "")
    assert done.stderr.splitlines() == [
        f"rehearse: {mine}: everybody can write {mine}, so that it is not used; chmod o-w {mine}"
    ]
    (mine.parent / "sees").mkdir()
    for option, file in (
        ("--personas", mine.parent / "sees" / "x.toml"),
        ("--exposures", mine.parent / "x.toml"),
    ):
        file.write_text("")
        file.chmod(0o666)
        named = mine.parent if option == "--personas" else file
        said = rehearse("plan", option, named, "none:samba-4.22:curl:open").stderr
        assert f"everybody can write {file}, so that it is not used; chmod o-w {file}" in said
        file.unlink()


def test_the_help_of_run_says_what_a_scenario_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build().parse_args(["run", "--help"])
    assert "a Python program that runs as you" in " ".join(capsys.readouterr().out.split())
