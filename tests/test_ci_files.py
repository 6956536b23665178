"""The workflow files of docs/ci do what they say: their own steps are run, in their own order.

What GitHub and GitLab do around the steps (checking out, artifacts, caches) is done here in a few lines: that
the steps fit together is shown, and not that these services do what they document.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from commandline import rehearse, users
from known import CATALOGUE
from test_circumstances import bare

from harness.errors import UsageError
from harness.labs import images
from harness.labs.local import LocalLab
from harness.record import folders, journal, readback
from harness.report.documents.result import render_json
from harness.reuse.store import opened
from harness.system import trust
from harness.system.process import Result, run
from harness.verbs import reusing

HERE = Path(__file__).resolve().parents[1]
GITHUB: dict[str, Any] = yaml.safe_load((HERE / "docs/ci/github.yml").read_text())
GITLAB: dict[str, Any] = yaml.safe_load((HERE / "docs/ci/gitlab.yml").read_text())
CELLS = "nt-pipe-support-off,nt-pipe-support-off+signing-required:samba-4.22-smb1:smbclient:browse"
"""Two servers to start. The part of the combination is measured by itself in the other shard."""
KNOWN = '[[loss]]\ncells = "nt-pipe-support-off*:*"\nreason = "nobody browses"\nuntil = 2999-12-31\n'


def bash(script: str, at: Path, tools: Path, **env: str) -> Result:
    """A script as both services run one: it ends at the first command that fails."""
    path = users()["PATH"]
    given = users(PATH=f"{tools}:{path}", PYTHONPATH=str(HERE), PYTHONSAFEPATH="1", **env)
    return run(["bash", "-e", "-c", script], timeout=300, env=given, cwd=at)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with this very ``rehearse``."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "rehearse").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n')
    (folder / "rehearse").chmod(0o755)
    return folder


@dataclass
class Workflow:
    """A run of the workflow: its jobs one after the other, each in a folder of its own."""

    home: Path
    tools: Path
    env: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def job(
        self, name: str, values: Mapping[str, str], number: int = 0, instead: Mapping[str, str] | None = None
    ) -> Path:
        """Run the steps of a job. Those that get hold of smb-rehearsal are left out: it is here.

        ``instead``: by the name of a step, another script in its place.
        """
        folder = self.home / f"{name}-{number}"
        folder.mkdir()
        (folder / "gates").mkdir()
        (folder / "gates" / "known.toml").write_text(KNOWN)
        for step in GITHUB["jobs"][name]["steps"]:
            assert set(step) <= {"name", "id", "uses", "with", "run", "env", "if"}
            step_name = step.get("name", "")
            if step_name != "install":
                script = (instead or {}).get(step_name)
                self.step({**step, "run": script} if script else step, folder, values)
        return folder

    def step(self, step: dict[str, Any], folder: Path, values: Mapping[str, str]) -> None:
        given = {key: filled(text, values) for key, text in step.get("with", {}).items()}
        match step.get("uses", "").partition("@")[0]:
            case "actions/upload-artifact":
                (self.home / "artifacts" / given["name"]).mkdir(parents=True)
                for path in given["path"].split():
                    shutil.copy(folder / path, self.home / "artifacts" / given["name"])
            case "actions/download-artifact":
                for one in (self.home / "artifacts").glob(given["pattern"]):
                    shutil.copytree(one, folder / given["path"] / one.name)
            case "actions/checkout" | "actions/cache":
                pass
            case "":
                env = {key: filled(text, values) for key, text in step.get("env", {}).items()}
                output = folder / "output"
                env |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
                done = bash(step["run"], folder, self.tools, **self.env, **env)
                assert done.ok, done
                self.ran.append(step["name"])
                lines = output.read_text().splitlines() if output.exists() else []
                self.outputs |= dict(line.split("=", 1) for line in lines)
            case other:
                pytest.fail(f"what does {other} do?")


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its ``${{ }}``; each must be one that the test knows."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], text)


@pytest.fixture(scope="module")
def done(lab: LocalLab, tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The whole workflow of GitHub, with two shards."""
    assert lab
    home = tmp_path_factory.mktemp("github")
    assert set(GITHUB["env"]) == {"REHEARSAL", "SHARDS", "GATES", "SMB_REHEARSAL", "SMB_REHEARSAL_COMMIT"}
    # What is kept to be reused is that of these machines alone.
    cache = home / "cache" / "smb-rehearsal"
    cache.mkdir(parents=True)
    (cache / "images").symlink_to(images.store({}).base)
    env = {"REHEARSAL": CELLS, "SHARDS": "2", "GATES": "--known gates/known.toml"}
    env["XDG_CACHE_HOME"] = str(home / "cache")
    flow = Workflow(home, tools, env)
    flow.job("plan", {})
    jobs = GITHUB["jobs"]
    assert jobs["plan"]["outputs"] == {
        name: f"${{{{ steps.plan.outputs.{name} }}}}" for name in ("matrix", "cache", "results")
    }
    assert jobs["rehearse"]["strategy"]["matrix"] == "${{ fromJSON(needs.plan.outputs.matrix) }}"
    # The second shard is measured by the script of GitLab: both must come to the same.
    (script,) = GITLAB["rehearse"]["script"]
    flow.env |= {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2"}
    for number, row in enumerate(json.loads(flow.outputs["matrix"])["include"]):
        values = {
            "matrix.shard": row["shard"],
            "strategy.job-index": str(number),
            "needs.plan.outputs.cache": flow.outputs["cache"],
            "needs.plan.outputs.results": flow.outputs["results"],
            "github.run_id": "1",
        }
        flow.job("rehearse", values, number, {"rehearse": script} if number else None)
    flow.job("report", {"github.run_id": "1"})
    return flow


@pytest.mark.parametrize(
    ("file", "schema", "wrong"),
    [
        (GITHUB, "github-workflows", {"jobs": {"plan": {"runs_on": "ubuntu-24.04"}}}),
        (GITLAB, "gitlab-ci", {"rehearse": {"stage": "rehearse", "skript": ["true"]}}),
    ],
)
def test_the_files_are_valid_by_the_schemas_of_both_services(
    file: dict[str, Any], schema: str, wrong: dict[str, Any]
) -> None:
    path = f"builtin_schemas/vendor/{schema}.json"
    published = json.loads((resources.files("check_jsonschema") / path).read_text("utf-8"))
    validator = jsonschema.validators.validator_for(published)(published)
    # YAML 1.1 takes the key "on" for true.
    named = {"on" if str(key) == "True" else key: value for key, value in file.items()}
    assert [error.message for error in validator.iter_errors(named)] == []
    assert not validator.is_valid({**named, **wrong})


def test_what_a_runner_of_gitlab_cloned_is_used(tools: Path, tmp_path: Path) -> None:
    """It clones with umask 0000: gitlab-org/gitlab-runner#1736."""
    project = tmp_path / "builds" / "group" / "project"
    gate, image = project / "gates" / "must.toml", project / ".cache" / "tmp"
    gate.parent.mkdir(parents=True)
    image.mkdir(parents=True)
    gate.touch()
    for path, mode in {**dict.fromkeys([*gate.parents][:4], 0o777), gate: 0o666, image: 0o1777}.items():
        path.chmod(mode)
    with pytest.raises(UsageError, match="everybody can write"):
        trust.check(gate)
    script = "\n".join(line for line in GITLAB["default"]["before_script"] if "chmod" in line)
    # Here the folders above are not a container's.
    inside = script.replace('"$folder" != /', f'"$folder" != "{tmp_path}"')
    assert inside != script
    done = bash(inside, project, tools, CI_PROJECT_DIR=str(project))
    assert done.ok, done
    trust.check(gate)
    assert image.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.local_lab
def test_the_steps_of_github_fit_together(done: Workflow) -> None:
    assert done.ran == ["plan", *["rehearse", "pack"] * 2, "merge", "compare"]
    assert re.fullmatch(r"smb-rehearsal-images-\w+-[0-9a-f]{16}-\d{4}-\d{2}", done.outputs["cache"]), (
        done.outputs
    )
    assert re.fullmatch(r"smb-rehearsal-results-\w+-[0-9a-f]{16}", done.outputs["results"]), done.outputs
    # What each machine measured is there for the next time.
    with opened(done.home / "cache" / "smb-rehearsal" / reusing.FOLDER, []) as store:
        assert store.count() == 4
    report = (done.home / "report-0" / "report.txt").read_text()
    assert "Gates hold: none is broken; 2 lost cells accepted." in " ".join(report.split())
    summary = (done.home / "report-0" / "summary.md").read_text()
    assert summary.startswith("## SMB rehearsal: all as expected")
    kept = {one.name for one in (done.home / "artifacts" / "rehearsal").iterdir()}
    assert kept == {"report.txt", "report.html", "junit.xml"}
    assert 'failures="0"' in (done.home / "artifacts" / "rehearsal" / "junit.xml").read_text()
    # The next night there is a run to compare with.
    (compare,) = (step for step in GITHUB["jobs"]["report"]["steps"] if step.get("name") == "compare")
    again = bash(compare["run"], done.home / "report-0", done.tools)
    assert again.ok, again
    assert "Nothing got worse (the same in both: 2 cells" in " ".join(again.stdout.split())


@pytest.mark.local_lab
def test_shards_that_were_measured_and_merged_are_the_run_in_one(done: Workflow, tmp_path: Path) -> None:
    one = rehearse("run", CELLS, "--runs", tmp_path, "--json", "--quiet")
    assert one.status == 1
    merged = readback.result_of(
        CATALOGUE, journal.load(folders.named(done.home / "report-0" / "merged", "latest"))
    )
    documents = [json.loads(text) for text in (one.stdout, render_json(merged))]
    for document in documents:
        assert document["complete"]
        del document["measured"]
        for cell in document["cells"]:
            # A merged run has it below the shard that it came with.
            cell["evidence"] = cell["evidence"].rpartition("/")[2]
    assert bare(documents[0]) == bare(documents[1])
    assert documents[0]["cells"][1]["parts"]["nt-pipe-support-off"]["effect"] == "lost"


@pytest.mark.local_lab
def test_the_scripts_of_gitlab_fit_together(done: Workflow, tmp_path: Path) -> None:
    assert set(GITLAB["variables"]) - {"XDG_CACHE_HOME"} == set(GITHUB["env"]) - {"SHARDS"}
    shutil.copytree(done.home / "report-0" / "shards", tmp_path / "shards")
    merged = bash("\n".join(GITLAB["report"]["script"]), tmp_path, done.tools, GATES="")
    assert merged.status == 1, merged
    assert "NOT as expected" in merged.stdout
    kept = GITLAB["report"]["artifacts"]
    assert {one.name for one in tmp_path.iterdir()} - {"shards"} == set(kept["paths"])
    assert kept["reports"]["junit"] in kept["paths"]


def test_what_is_lost_unexpectedly_fails_where_the_shards_are_merged() -> None:
    """The steps as they are written: a shard's own losses pass, its faults do not; the merge's do neither."""
    for script in (step_of("rehearse", "rehearse"), GITLAB["rehearse"]["script"][0]):
        for status, passes in ((0, True), (1, True), (2, False), (64, False)):
            done = run(
                ["bash", "-e", "-c", f"rehearse() {{ return {status}; }}\n{script}"], timeout=30, env=users()
            )
            assert done.ok is passes, (script, status)


@pytest.mark.parametrize("status", [0, 1, 2, 64])
def test_the_verdict_is_that_of_the_merge(tmp_path: Path, status: int) -> None:
    (tmp_path / "packed").mkdir()
    for script in (step_of("report", "merge"), "\n".join(GITLAB["report"]["script"])):
        shown = script.replace('for shard in packed/*/shard.tgz; do tar -xzf "$shard"; done', "")
        given = f"rehearse() {{ echo told >report.txt; return {status}; }}\n{shown}"
        done = run(["bash", "-e", "-c", given], timeout=30, env=users(), cwd=tmp_path)
        assert (done.status, done.stdout) == (status, "told\n")


def step_of(job: str, name: str) -> str:
    (step,) = (one for one in GITHUB["jobs"][job]["steps"] if one.get("name") == name)
    return str(step["run"])


def test_what_is_not_run_here_is_at_least_the_same_everywhere_and_read_by_bash() -> None:
    installs = {step_of(job, "install") for job in GITHUB["jobs"]}
    (install,) = installs
    for script in (install, "\n".join(GITLAB["default"]["before_script"])):
        assert run(["bash", "-n", "-c", script], timeout=30, env=users()).ok
    caches = [step for step in GITHUB["jobs"]["rehearse"]["steps"] if "cache" in step.get("uses", "")]
    kept = ["smb-rehearsal/images", "smb-rehearsal/results"]
    assert [step["with"]["path"] for step in caches] == [f"~/.cache/{path}" for path in kept]
    assert images.store(CATALOGUE.images).base.parts[-2:] == ("smb-rehearsal", "images")
    assert reusing.folder().parts[-2:] == ("smb-rehearsal", "results")
    assert [path for one in GITLAB["rehearse"]["cache"] for path in one["paths"]] == [
        f".cache/{path}" for path in kept
    ]


def test_the_page_has_both_files() -> None:
    page = (HERE / "docs" / "ci.md").read_text()
    for name in ("github.yml", "gitlab.yml"):
        assert f"(ci/{name})" in page
