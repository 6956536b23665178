"""``rehearse rollout`` as it is typed: on the run of the tests, with and without a fleet; and its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from known import CATALOGUE
from pages import DOCS

from harness.cli import main as cli
from harness.cli import planning_ahead
from harness.fleet import planned
from harness.report.documents.rollout import schema
from harness.report.documents.rollout_parts import RolloutDocument
from harness.rollout import wishes
from harness.verbs.rollout import family, kinship

RUN = str(Path(__file__).parent.parent / "data" / "run")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In no project, without fleets of others, at a width that pages have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["rollout", "--run", RUN, *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_plan_of_a_run_without_a_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = asked(capsys)
    assert (status, err) == (0, "")
    assert "There is no fleet: each client that was asked counts as one machine (3)." in " ".join(out.split())


def test_the_plan_is_told_in_japanese_and_its_document_in_english(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, english, _ = asked(capsys, "--json")
    status, out, _ = asked(capsys, "--lang", "ja", "--write", "plan.json")
    assert status == 0
    for words in (
        "段階的な実施計画: samba-4.22",
        "元に戻す方法",
        "原因: the server demands encryption",
        "systemctl restart smbd",
    ):
        assert words in out, words
    for words in ("Stage 2", "How to go back", "machines lose", "not known"):
        assert words not in out, words
    assert json.loads((tmp_path / "plan.json").read_text()) == json.loads(english)


def test_the_plan_is_weighed_by_a_fleet_and_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Where all machines need the list of shares, closing it costs; without demands it is the same plan."""
    (tmp_path / "office.csv").write_text("client,count\nwindows-7,19\nwindows-10-1703,40\n")
    status, out, err = asked(capsys, "--fleet", "office.csv", "--write", "plan.json", "--json")
    assert (status, err.strip()) == (0, "written: plan.json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert (tmp_path / "plan.json").read_text() == out
    kept = RolloutDocument.model_validate_json((tmp_path / "plan.json").read_bytes())
    assert [group.count for group in planned.read(tmp_path / "plan.json")] == [40, 19], (
        "as fleet watch has it"
    )
    assert (kept.fleet.name, kept.fleet.machines) == ("office", 59)
    assert [stage.machines.lost for stage in kept.stages] == [0, 19, 19]
    assert "--fleet office.csv" in kept.command
    status, again, _ = asked(capsys, *kept.command.split()[4:], "--json")
    assert (status, json.loads(again)) == (0, document), "its command makes it again"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (
            ["--close", "smb2-spoken:2"],
            1,
            "rehearse: --close smb2-spoken:2 cannot be met: nothing closes it on samba-4.22: each of the 2 "
            "changes measured there leaves it open, or does not show it shut",
        ),
        (["--close", "smb1-spokn:2"], 64, "did you mean smb1-spoken"),
        (["--close", "smb1-spoken"], 64, "--close smb1-spoken: is not EXPOSURE:STAGE"),
        (["--close", "smb1-spoken:4"], 64, "there is no stage 4"),
        (["--never-lose", "windows-77"], 64, "did you mean windows-7"),
        (["--never-lose", "windows-xp"], 1, "--never-lose windows-xp cannot be met: it was not rehearsed"),
        (["--never-lose", "windows-x*"], 1, "--never-lose windows-xp cannot be met: it was not rehearsed"),
        (["--never-lose", "solaris-*"], 64, "no client is called 'solaris-*'"),
        (["--legacy", "sles11-like"], 1, "--legacy sles11-like cannot be met: it was not rehearsed in run"),
        (["--legacy", "sles11-lik"], 64, "did you mean sles11-like"),
        (["--servers", "sles11-like"], 64, "sles11-like"),
        (["--json", "--format", "html"], 64, "--json and --format html are two formats for one output"),
        (["--stages", "9"], 64, "a plan has 1 to 5 stages"),
        (["--fleet", "nowhere"], 64, "there is no fleet called 'nowhere'"),
        (["--write", "none/plan.json"], 2, "none/plan.json cannot be written"),
    ],
)
def test_one_clear_line_for_what_cannot_be(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answered, out, err = asked(capsys, *words)
    assert (answered, out) == (status, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_names_with_a_star_mean_those_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = asked(capsys, "--never-lose", "windows-1*", "--close", "anonymous-*:2", "--json")
    demands = json.loads(out)["demands"]
    assert (status, demands["never_lose"]) == (0, ["windows-10-1703"])
    assert {due["exposure"] for due in demands["close"]} >= {"anonymous-users", "anonymous-shares"}


def test_the_command_line_has_as_many_stages_as_a_plan() -> None:
    words = (planning_ahead.FEWEST, planning_ahead.MOST, planning_ahead.USUAL)
    assert words == (wishes.FEWEST, wishes.MOST, wishes.USUAL)


def test_families_and_variants_are_those_of_the_catalogue() -> None:
    kin = kinship(CATALOGUE)
    assert kin.related("windows-xp", "windows-11-24h2")
    assert not kin.related("windows-7", "windows-server-2016")
    assert kin.related("macos-10.10", "macos-13")
    assert not kin.related("office-scanner", "media-player")
    assert kin.variants("windows-10-ntlmv1", "windows-10-22h2")
    assert not kin.variants("windows-10-1703", "windows-10-22h2")
    assert family("linux-cifs-5.18.8") == "linux-cifs"


PAGE = (DOCS / "rollout.md").read_text(encoding="utf-8")


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    shown, demand = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown.rstrip("\n") in asked(capsys)[1]
    command, answer = demand.splitlines()
    status, _, err = asked(capsys, *command.split()[3:])
    assert (status, err.strip()) == (1, answer)


def test_the_page_explains_every_field_of_the_document() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
    found = fields(schema())
    assert len(found) > 50
    assert found - explained == set()


def fields(node: object) -> set[str]:
    """Every property name anywhere in a schema."""
    if isinstance(node, list):
        return {name for part in node for name in fields(part)}
    if not isinstance(node, dict):
        return set()
    return set(node.get("properties", {})) | {name for part in node.values() for name in fields(part)}
