"""A project folder: begun, found, its defaults, and what of it is there, also when a file in it is wrong."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.catalogue import Origin
from harness.cli.base import catalogue_of
from harness.cli.main import in_project, main
from harness.errors import UsageError
from harness.model import CellId
from harness.planning.interpret import Meant, filled
from harness.planning.sources import added
from harness.projects import begin, contents, file, finding
from harness.record import folders
from harness.verbs import completion

PYTHON = """from harness.mitigations.base import Expectation, Mitigation


class Ours(Mitigation):
    name = "ours-in-python"
    title = "ours"
    expectation = Expectation("nothing", "us")


MITIGATIONS = (Ours(),)
"""
SERVER = """from dataclasses import replace

from harness.servers.samba_release import SERVERS as KNOWN

SERVERS = (replace(KNOWN[2], name="our-server", title="the file server of our office", laxer=""),)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was just begun; we are in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "office"
    begin.begin(folder)
    monkeypatch.chdir(folder)
    return folder


def said(words: str) -> str:
    """Why a command line is refused."""
    with pytest.raises(UsageError) as raised:
        catalogue_of(in_project(words.split()))
    return str(raised.value)


def test_a_project_is_begun_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "one"
    assert main(["init", str(folder)]) == 0
    assert f"cd {folder} && rehearse run" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {
        *("rehearsal.toml", "mitigations", "scenarios", "personas", "servers"),
    }
    (folder / "rehearsal.toml").write_text("# mine\n")
    (folder / "scenarios" / "office.py").unlink()
    assert main(["init", str(folder)]) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert (folder / "rehearsal.toml").read_text() == "# mine\n"
    assert not (folder / "scenarios" / "office.py").exists()
    folder.chmod(0o777)
    assert main(["init", str(folder)]) == 64
    assert "everybody can write" in capsys.readouterr().err


def test_all_that_a_new_project_says_may_stand_in_it_may(place: Path) -> None:
    toml = place / "rehearsal.toml"
    toml.write_text(re.sub(r"^#(?=[\w-]+ = |\[)", "", toml.read_text(), flags=re.MULTILINE))
    found = file.read(place).file
    assert found.defaults.model_fields_set == set(file.Defaults.model_fields)
    assert found.servers["office"].model_fields_set == set(file.ServerOfFile.model_fields)


def test_the_nearest_project_upwards_is_found_or_the_one_that_is_named(place: Path) -> None:
    inner = place / "a" / "b"
    inner.mkdir(parents=True)
    for found in (finding.of(None, inner), finding.of(place), finding.of(None)):
        assert found is not None
        assert found.folder == place
    assert finding.of(None, place.parent) is None
    assert "smb3-signed" in catalogue_of(in_project(["list"])).mitigations
    assert "smb3-signed" not in catalogue_of(in_project(["list", "--no-project"])).mitigations
    assert "leave one of them off" in said(f"list --no-project --project {place}")
    assert "is no project: it has no rehearsal.toml; make one: rehearse in" in said(f"list --project {inner}")


def test_a_folder_that_one_may_not_look_into_is_no_project(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11 raises there; root may look anywhere, so it is said by the file system."""
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path == place / "rehearsal.toml":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    assert finding.of(None, place / "scenarios") is None


@pytest.mark.parametrize("name", ["rehearsal.toml", "mitigations", "mitigations/smb3-signed.toml"])
def test_a_project_that_others_can_write_is_refused(place: Path, name: str) -> None:
    (place / name).chmod(0o777)
    assert f"everybody can write {place / name}" in said("list")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[defaults]\nlab = 'cloud'\n", "rehearsal.toml:2: defaults.lab: must be 'local' or 'vagrant'"),
        ("\n[default]\n", "rehearsal.toml:2: no key is called 'default', did you mean 'defaults'?"),
        (
            "[defaults]\n\nclient = ['curl']\n",
            "toml:3: no key is called 'defaults.client', did you mean 'c",
        ),
        ("[defaults]\nworkers = 0\n", "rehearsal.toml:2: defaults.workers: Input should be greater than or"),
        ("[defaults]\nchecks = ['open', 'opne']\n", "rehearsal.toml:2: defaults.checks: no check is called"),
        ("[defaults]\nclients = ['curly']\n", "no client is called 'curly', did you mean 'curl'?"),
        ("[servers.office]\nrelease = '4.17'\n", "rehearsal.toml:1: servers.office.smb-conf is missing"),
        ("[servers.office]\nsmb_conf = 'x'\n", "did you mean 'smb-conf'?"),
        ("[defaults\n", "rehearsal.toml:1: Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_in_the_file_has_its_line_and_what_was_meant(place: Path, text: str, what: str) -> None:
    (place / "rehearsal.toml").write_text(text)
    assert what in said("list")


def test_what_the_command_line_says_wins_over_defaults(place: Path) -> None:
    (place / "rehearsal.toml").write_text(
        '[defaults]\nlab = "vagrant"\nevidence = "all"\nworkers = 2\npersonas = ["../captured"]\n'
        'require = ["must.toml"]\n'
    )
    meant = in_project(["run", "smb3-signed"])
    assert (meant.lab, meant.evidence, meant.workers) == ("vagrant", "all", 2)
    assert (meant.personas, meant.require) == ([place / "../captured"], [place / "must.toml"])
    said = in_project(
        ["run", "--lab", "local", "--evidence", "none", "--workers", "5", "--require", "other.toml"]
    )
    assert (said.lab, said.evidence, said.workers) == ("local", "none", 5)
    assert said.require == [Path("other.toml")]
    assert in_project(["run", "--shard", "1/2"]).require is None
    assert in_project(["run", "--no-project"]).lab == "local"


def test_defaults_stand_where_clients_and_checks_are_left_off() -> None:
    def of(*selectors: str, named: bool = False) -> tuple[str, ...]:
        return filled(Meant((), selectors, named), ["windows-*", "curl"], ["open"]).selectors

    assert of("smb3-only") == ("smb3-only:*:windows-*,curl:open",)
    assert of("smb3-only:samba-4.22:*", "none:*:curl:*") == (
        "smb3-only:samba-4.22:*:open",
        "none:*:curl",
    )
    assert of("*:*:smbclient", named=True) == ("*:*:smbclient:open",)
    assert of("smb3-only", named=True) == ("smb3-only:*:windows-*,curl:open",)


def test_what_is_there_is_yours_and_a_mistake_costs_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "mitigations/ours.py": PYTHON,
        "servers/office.py": SERVER,
        "mitigations/broken.toml": 'title = "x"\n',
        "mitigations/broken.py": "import nothing_there\n",
        "servers/half.py": "SERVERS = (5,)\n",
        "clients/empty.py": "x = 1\n",
        "scenarios/article.py": "",
    }.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text)
    assert main(["list", "mitigations"]) == 0
    shown = capsys.readouterr()
    assert re.search(r"ours-in-python +yours +server +ours$", shown.out, re.MULTILINE)
    for what in (
        "mitigations/broken.toml:1: expectation is missing",
        "mitigations/broken.py:1: ModuleNotFoundError: No module named 'nothing_there'",
        "servers/half.py:1: SERVERS holds 5, which is no Server",
        "clients/empty.py:1: offers nothing: it has none of SERVERS, MITIGATIONS, CLIENTS, EXPOSURES",
        "scenarios/article.py: there is another scenario called 'article'",
    ):
        assert f"rehearse: left out: {what}" in shown.err.replace(f"{place}/", "")
    assert main(["plan", "ours-in-pyton"]) == 64
    assert "did you mean ours-in-python (mitigation)" in capsys.readouterr().err
    assert main(["plan", "brokn:samba-4.22"]) == 64
    assert "left out, for it cannot be used: " in capsys.readouterr().err
    catalogue = catalogue_of(in_project(["list"]))
    assert catalogue.origin("server", "our-server") is Origin.YOURS
    assert list(catalogue.scenarios)[-1] == "office"
    # Mended, it is there.
    (place / "mitigations/broken.py").write_text(PYTHON.replace("ours-in-python", "mended"))
    assert [why for why in catalogue.unusable if "broken.py" in why]
    mended = catalogue_of(in_project(["list"]))
    assert "mended" in mended.mitigations
    assert not [why for why in mended.unusable if "broken.py" in why]


CELL = CellId("smb3-signed+ours-in-python", "our-server", "curl", "open")


def test_a_run_keeps_what_it_rests_on_and_runs_no_strangers_python(place: Path) -> None:
    for name, text in {"mitigations/ours.py": PYTHON, "servers/office.py": SERVER}.items():
        (place / name).write_text(text)
    run = place.parent / "run"
    run.mkdir()
    catalogue = catalogue_of(in_project(["run"]))
    folders.keep(run, catalogue, [CELL])
    names = [f"{one.kind} {one.name}" for one in added(catalogue, [CELL])]
    assert names == ["mitigation smb3-signed.toml", "Python 0-ours.py", "Python 1-office.py"]
    elsewhere = CATALOGUE.adding(*folders.of_run(run))
    assert elsewhere.mitigation(CELL.mitigation).title
    assert elsewhere.whose("server", "our-server") == "kept by the run"
    # What has changed since: the run is read with what it was measured with.
    toml = place / "mitigations" / "smb3-signed.toml"
    toml.write_text(toml.read_text().replace("SMB 3 and newer", "something else"))
    both = catalogue_of(in_project(["report"])).adding(*folders.of_run(run))
    assert both.mitigations["smb3-signed"].title.startswith("SMB 3 and newer")
    assert both.whose("mitigation", "smb3-signed") == "kept by the run"
    # What is as it was is still his own, and a mistake in it is told with its own name.
    assert both.file("mitigation", "ours-in-python") == place / "mitigations" / "ours.py"
    # A program that was never run here is none that a report runs.
    (run / "code" / "0-ours.py").write_text(PYTHON + "raise SystemExit('it was run')\n")
    with pytest.raises(UsageError, match=r"0-ours\.py: run rests on this Python file, which was never used"):
        folders.of_run(run)


def test_a_project_is_no_part_of_what_does_not_ask_for_it(place: Path) -> None:
    assert in_project(["boxes", "list"]).verb
    assert not hasattr(in_project(["clean"]), "place")
    assert catalogue_of(Namespace()).sources == ()
    assert contents.sources(file.Project(place.parent)) == ()


def test_completion_and_did_you_mean_know_what_is_yours(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    completion._mine.cache_clear()
    (place / "servers" / "mine.py").write_text("raise SystemExit('somebody pressed a key')\n")
    try:
        assert "smb3-signed" in completion.cells("smb3-s")
        assert "smb3-signed:samba-4.22" in completion.cells("smb3-signed:samba-4.2")
        assert "office" in completion._things("off")
    finally:
        completion._mine.cache_clear()
        (place / "servers" / "mine.py").unlink()
    assert main(["smb3-singed"]) == 64
    assert "did you mean smb3-signed (mitigation)" in capsys.readouterr().err
    assert main(["plan", "smb3-singed"]) == 64
    assert "did you mean smb3-signed (mitigation)" in capsys.readouterr().err
