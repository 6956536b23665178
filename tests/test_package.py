"""The package: everything is in the wheel and in the sdist, and an installed ``rehearse`` works by itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
from argparse import ArgumentParser, _SubParsersAction
from pathlib import Path
from zipfile import ZipFile

import pytest

from harness.cli import manual, parser
from harness.labs import namespace
from harness.system import environment, process, resources
from harness.verbs import completion

ROOT = Path(__file__).resolve().parent.parent
TOP = ("Vagrantfile", "guests.yaml", "requirements/bootstrap.sh", "scenarios")
"""What of the top level an installed package has."""
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
BUILD = (sys.executable, "-m", "hatchling", "build", "--directory")


def _build(tree: Path, target: Path, *words: str) -> None:
    """Build without a network, with the libraries of this environment."""
    done = process.run([*BUILD, target, *words], timeout=120, cwd=tree)
    assert done.ok, done.stderr


def _told(tree: Path) -> str:
    """What ``rehearse --version`` says there."""
    argv = [sys.executable, "-m", "harness", "--version"]
    return process.run(argv, timeout=60, env={"PYTHONPATH": str(tree)}).stdout


def _version(tree: Path) -> str:
    return _told(tree).split()[1]


def _files(tree: Path, below: str) -> list[Path]:
    path = tree / below
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return [one.relative_to(tree) for one in found if "__pycache__" not in one.parts]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist of this tree."""
    folder = tmp_path_factory.mktemp("built")
    _build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """What is in the wheel, by its name there."""
    with ZipFile(next(built.glob("*.whl"))) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def sdist(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(next(built.glob("*.tar.gz"))) as file:
        # Python has these filters from 3.11.4 on; Debian 12 has 3.11.2.
        file.extraction_filter = getattr(tarfile, "data_filter", None)
        file.extractall(folder)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as ``pip install --target`` unpacks it."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(next(built.glob("*.whl"))) as file:
        file.extractall(folder)
    return folder


def test_the_wheel_has_every_file_of_the_package_and_of_the_top_level(wheel: dict[str, bytes]) -> None:
    wanted = {str(path): path for path in _files(ROOT, "harness")}
    wanted |= {f"harness/project/{path}": path for name in TOP for path in _files(ROOT, name)}
    assert {name for name in wheel if name.startswith("harness/")} == set(wanted)
    for name, path in wanted.items():
        assert wheel[name] == (ROOT / path).read_bytes(), name
    # Messages name these pages.
    pages = {name.partition("share/doc/smb-rehearsal/")[2] for name in wheel} - {""}
    assert pages == {*PAGES, *map(str, _files(ROOT, "docs"))}


def test_the_sdist_has_everything_and_makes_the_same_wheel(
    sdist: Path, wheel: dict[str, bytes], tmp_path: Path
) -> None:
    rooms = "harness tests docs requirements .ci rehearse test Containerfile .containerignore".split()  # noqa: SIM905
    for room in (*rooms, *TOP, *PAGES, "LICENSE"):
        assert set(_files(sdist, room)) == set(_files(ROOT, room)), room
    _build(sdist, tmp_path, "-t", "wheel")
    with ZipFile(next(tmp_path.glob("*.whl"))) as file:
        assert {name: file.read(name) for name in file.namelist()} == wheel
    # No repository says which version it is; the sdist itself does.
    told = _version(sdist)
    assert f"-{told}-" in next(tmp_path.iterdir()).name


def test_an_installed_rehearse_finds_its_data_and_writes_nothing_into_itself(
    installed: Path, tmp_path: Path
) -> None:
    before = _files(installed, "")
    assert "samba-bookworm" in _rehearse(installed, tmp_path, "list", "guests")
    # Of scenarios, mitigations, servers and personas.
    assert "nt-pipe-support-off" in _rehearse(installed, tmp_path, "plan", "article", "--json")
    if namespace.inside():
        cell = "smb3-only:samba-4.22-smb1:windows-7:open"
        said = _rehearse(installed, tmp_path, "run", cell, "--json", "--no-exposures", status=1)
        assert json.loads(said)["cells"][0]["effect"] == "lost"
        assert _files(tmp_path, "state")[0].is_relative_to("state/smb-rehearsal/runs")
        # Somebody's own configuration, named relative to the folder that they are in.
        (tmp_path / "office.conf").write_text("[global]\nserver min protocol = NT1\n[docs]\nread only = no\n")
        words = ["change", "--smb-conf", "../office.conf", "--set", "server signing = mandatory", "--json"]
        only = ["--client", "smbclient", "--check", "open", "--no-exposures", "--quiet"]
        (kept,) = json.loads(_rehearse(installed, tmp_path, *words, *only))["cells"]
        assert (kept["server"], kept["effect"], kept["restored"]) == ("office@docs", "kept", True)
    assert _files(installed, "") == before
    # The folder in which one is stays as it was.
    assert list((tmp_path / "empty").iterdir()) == []


def _rehearse(installed: Path, folder: Path, *words: str, status: int = 0) -> str:
    """What the installed command prints; it begins as its script does. The images are those of the user."""
    (folder / "empty").mkdir(exist_ok=True)
    begin = "import sys; from harness.__main__ import command; sys.exit(command())"
    done = process.run(
        [sys.executable, "-c", begin, *words],
        timeout=120,
        # Of the user's own: without them it begins as usual, see below.
        env={**os.environ, "PYTHONPATH": str(installed), "XDG_STATE_HOME": str(folder / "state")},
        cwd=folder / "empty",
    )
    assert done.status == status, done.stderr
    return done.stdout


def test_pytest_tests_a_project_with_what_is_installed(installed: Path, tmp_path: Path) -> None:
    """In an empty folder; the plugin is there by its entry point, and the project's change by its folder."""
    _rehearse(installed, tmp_path, "init", "../office")
    wanted = ["-k", "all-is-used or windows-7 and open"]
    words = [
        "-p",
        "no:cacheprovider",
        "-rA",
        "../office",
        *(wanted if namespace.inside() else ["--co", "-q"]),
    ]
    done = process.run(
        [sys.executable, "-m", "pytest", *words],
        timeout=180,
        env={**os.environ, "PYTHONPATH": str(installed), "XDG_STATE_HOME": str(tmp_path / "state")},
        cwd=tmp_path / "empty",
    )
    assert done.ok, done.stdout + done.stderr
    assert "scenarios/office.py::smb3-signed:samba-4.22-smb1:windows-7:open" in done.stdout
    assert ("2 passed, 5 deselected" if namespace.inside() else "7 tests collected") in done.stdout
    # Its run folders are removed, and the folder in which one is stays as it was.
    assert list((tmp_path / "empty").iterdir()) == []


def test_an_installed_rehearse_is_not_misled_by_what_a_user_set_for_python(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('of another project')\n")
    begin = "import sys; from harness.__main__ import command; sys.exit(command())"
    misleading = {"PYTHONPATH": f"{tmp_path}:{installed}", "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"}
    words = [sys.executable, "-c", begin, "list", "guests"]
    done = process.run(words, timeout=60, env={**os.environ, **misleading})
    assert (done.status, done.stderr) == (0, "")


def test_what_python_finds_by_itself_does_not_go_before_its_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = str(resources.path().parent)
    assert environment.python()["PYTHONPATH"] == place
    monkeypatch.setattr("site.getsitepackages", lambda: ["/usr/lib/python3/dist-packages", place])
    assert environment.python() == {"PYTHONSAFEPATH": "1"}


def _options(parser: ArgumentParser) -> list[str]:
    found = [name for action in parser._actions for name in action.option_strings]
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for name, below in action.choices.items():
                found += [name, *_options(below)]
    return found


def test_the_manual_page_has_every_word_of_the_command_line(wheel: dict[str, bytes]) -> None:
    (text,) = [data.decode() for name, data in wheel.items() if name.endswith("share/man/man1/rehearse.1")]
    assert text.splitlines()[1:] == manual.page(parser.build(), "any").splitlines()[1:]
    words = set(re.findall(r"[\w-]+", re.sub(r"\\f.", " ", text.replace("\\-", "-"))))
    # That each verb has --help goes without saying.
    assert set(_options(parser.build())) - words <= {"--help"}
    # A line that begins with a dot or a quote is a request to groff: only ours are.
    requests = {"TH", "SH", "SS", "PP", "TP", "B", "nf", "fi", "RS", "RE"}
    assert set(re.findall(r"^[.'](\S*)", text, re.M)) <= requests
    if shutil.which("groff"):
        done = process.run(["groff", "-man", "-ww", "-z"], timeout=30, stdin=text)
        assert (done.status, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rehearse run windows-v", ["windows-vista"]),
        # bash itself takes a colon for the end of a word.
        ("rehearse run smb3-only:samba-4.17-", ["samba-4.17-smb1"]),
        ("rehearse run smb3-only:samba-4.22:windows-7,windows-v", ["windows-7,windows-vista"]),
        ("rehearse show ms17", ["ms17-010"]),
        ("rehearse up samba-trix", ["samba-trixie"]),
    ],
)
def test_bash_completes_words(line: str, expected: list[str], tmp_path: Path) -> None:
    """A real bash with the real script; the words come from the real command."""
    command = tmp_path / "rehearse"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m harness "$@"\n')
    command.chmod(0o755)
    asks = f"""
        PATH={tmp_path}:$PATH
        source <(rehearse completion bash)
        COMP_LINE={line!r} COMP_POINT={len(line)} COMP_TYPE=9
        COMP_WORDS=({line.replace(":", " : ")}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _python_argcomplete rehearse
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = process.run(["bash", "-c", asks], timeout=60, env=dict(os.environ))
    assert [word.strip() for word in done.stdout.splitlines()] == expected, done.stderr


@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_no_text_stands_beside_the_values_of_an_option(shell: str, tmp_path: Path) -> None:
    """As these shells ask; beside each option stands its help, which is meant."""
    line = "rehearse report --format j"
    asked = {
        # As the script for fish has it.
        **({"_ARGCOMPLETE_DFS": "\t"} if shell == "fish" else {}),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": shell,
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "words"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    argv = [sys.executable, "-m", "harness"]
    assert process.run(argv, timeout=60, env={**os.environ, **asked, "PYTHONPATH": str(ROOT)}).ok
    beside = "\t" if shell == "fish" else ":"
    assert (tmp_path / "words").read_text().splitlines() == [f"json{beside}", f"junit{beside}"]


def test_there_is_a_script_for_every_shell(wheel: dict[str, bytes]) -> None:
    for shell, place in completion.PLACES.items():
        (data,) = [data for name, data in wheel.items() if name.endswith(place)]
        assert data.decode() == completion.script(shell)
        if shutil.which(shell):
            assert process.run([shell, "-n"], timeout=30, stdin=data.decode()).ok


def _git(folder: Path, *words: str) -> None:
    # A commit's author would come from the user's settings, of which there are none.
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", f"safe.directory={ROOT}"]
    done = process.run(["git", *author, "-C", folder, *words], timeout=60)
    assert done.ok, done.stderr


@pytest.mark.parametrize(
    "what",
    [
        "commit behind a tag",
        "shallow, no tag",
        "no repository",
        "archive of a tag",
        "archive behind a tag",
        "archive, no tag",
    ],
)
def test_the_version_is_that_of_the_tag_in_a_checkout_and_in_a_wheel(what: str, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "harness", tree / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    archives = (".gitattributes", ".git_archival.txt")
    needed = ("pyproject.toml", "LICENSE", ".gitignore", "docs", "requirements/hatch_build.py", *archives)
    for name in (*needed, *PAGES, *TOP):
        (tree / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)
    expected = "0.0"
    if what != "no repository":
        _git(tree, "init", "-q")
        _git(tree, "add", "-A")
        _git(tree, "commit", "-qm", "all")
        expected = "0.0" if what == "archive, no tag" else "0.0.post1.dev1+g"
    if what.endswith(" a tag"):
        _git(tree, "tag", "v9.8.7")
        expected = "9.8.7"
    if "behind" in what:
        _git(tree, "commit", "-qm", "more", "--allow-empty")
        expected = "9.8.7.post1.dev1+g"
    if what.startswith("shallow"):
        _git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tree}", "clone")
        tree = tmp_path / "clone"
    if "archive" in what:
        # As a forge offers it: the commit, and no repository.
        _git(tree, "archive", "--prefix=archived/", "-o", "../archived.zip", "HEAD")
        shutil.unpack_archive(tmp_path / "archived.zip", tmp_path)
        tree = tmp_path / "archived"
    _build(tree, tmp_path / "dist", "-t", "wheel")
    version = _version(tree)
    assert version.startswith(expected) if expected.endswith("g") else version == expected
    commit = re.fullmatch(
        r"smb-rehearsal 0\.0 \(the version is not known; (commit|the c\w+ is) (.+)\)\n", _told(tree)
    )
    assert bool(commit) is (version == "0.0")
    if commit:
        assert re.fullmatch("[0-9a-f]{40}" if "archive" in what else "not known either", commit[2])
    (made,) = (tmp_path / "dist").iterdir()
    assert made.name == f"smb_rehearsal-{version}-py3-none-any.whl"
