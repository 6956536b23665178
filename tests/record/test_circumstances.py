"""Where, when and with what a run was measured stands in its document, and is no part of its result."""

from __future__ import annotations

import json
import platform
import re
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from commandline import rehearse
from known import CATALOGUE

from harness.planning import planner
from harness.record import circumstances, journal, readback
from harness.record.entries import Begun, Ended
from harness.report.documents import result as document
from harness.system import resources, version

PLAN = planner.from_selectors(CATALOGUE, ["none:samba-4.13:windows-7:open"])
START = datetime(2026, 11, 29, 3, 18, tzinfo=UTC)


def measured(folder: Path) -> dict[str, Any]:
    """Of the document of a run folder."""
    found: dict[str, Any] = json.loads(
        document.render_json(readback.result_of(CATALOGUE, journal.load(folder)))
    )["measured"]
    return found


def test_the_tools_have_the_versions_that_their_packages_say() -> None:
    tools = circumstances.found().tools
    assert tools == {name: metadata.version(name) for name in tools}
    assert {"impacket", "pydantic"} <= {*tools}


def test_the_time_is_that_of_all_stretches_and_unknown_where_one_was_killed(tmp_path: Path) -> None:
    with journal.create(tmp_path, PLAN) as book:
        assert measured(tmp_path)["began"] is None
        book.add(Begun("local", "0", START, circumstances.found()))
        assert measured(tmp_path)["seconds"] is None
        book.add(Ended(START + timedelta(seconds=5), whole=False))
        later = START + timedelta(days=1)
        book.add(Begun("local", "0", later, circumstances.found()))
        book.add(Ended(later + timedelta(seconds=2.5), whole=True))
    found = measured(tmp_path)
    assert (found["began"], found["seconds"]) == ("2026-11-29T03:18:00Z", 7.5)


def test_what_is_written_of_a_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(circumstances.HOST, raising=False)
    assert circumstances.found().host == "", "only who asks for it has a name in results"
    monkeypatch.setenv(circumstances.HOST, "ci-7")
    with journal.create(tmp_path, PLAN) as book:
        book.add(Begun("local", "0", START, circumstances.found()))
    found = measured(tmp_path)
    assert found["host"]["name"] == "ci-7"
    assert found["host"]["machine"] == platform.machine()
    assert found["host"]["kernel"].startswith("Linux ")
    assert found["tools"]["python"] == platform.python_version()
    assert re.fullmatch(r"\d+\.\d+\S*", found["tools"]["impacket"])
    assert found["version"] == version.version()
    if not resources.installed() and resources.top(".git").exists():
        assert re.fullmatch(r"[0-9a-f]{40}", found["commit"])
        assert found["commit"].startswith(re.findall(r"\+g([0-9a-f]+)", found["version"])[0])


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_run_says_when_where_and_with_what_and_the_rest_is_the_same_each_time(tmp_path: Path) -> None:
    words = (
        "run",
        "none:samba-4.13:windows-7:open",
        "--json",
        "--quiet",
        "--no-exposures",
        "--runs",
        tmp_path,
    )
    documents = []
    for name in ("one", "two"):
        done = rehearse(*words, "--runs", tmp_path, env={circumstances.HOST: name})
        assert done.ok, done.stderr
        documents.append(json.loads(done.stdout))
    said = [one.pop("measured") for one in documents]
    assert [one["host"]["name"] for one in said] == ["one", "two"]
    assert all(one["seconds"] > 0 for one in said)
    assert said[0]["began"] < said[1]["began"]
    first, second = map(bare, documents)
    assert first == second


def bare(part: Any) -> Any:
    """Without what differs from run to run: its name, and milliseconds."""
    if isinstance(part, dict):
        return {key: bare(value) for key, value in part.items() if key not in ("run", "ms", "seconds")}
    return [bare(one) for one in part] if isinstance(part, list) else part
