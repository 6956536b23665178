"""docs/your-project.md and the TOML of docs/adding-a-mitigation.md work as printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from known import CATALOGUE
from pages import DOCS, examples

from harness.catalogue.packages import GROUPS
from harness.catalogue.sources import FORMS
from harness.mitigations.described import load
from harness.mitigations.described_file import Look
from harness.projects import contents, file
from harness.pytest_scenarios import OPTIONS
from harness.servers.live import LiveServer

PAGE = (DOCS / "your-project.md").read_text()


@pytest.fixture
def strangers_out(tmp_path: Path) -> Path:
    """The mitigation of the page, saved."""
    (text,) = examples("adding-a-mitigation.md", "toml")
    saved = tmp_path / "strangers-out.toml"
    saved.write_text(text)
    return saved


def test_the_rehearsal_toml_of_the_page_is_right(tmp_path: Path) -> None:
    toml, entries = examples("your-project.md", "toml")
    (tmp_path / "rehearsal.toml").write_text(toml)
    assert file.read(tmp_path).file.defaults.model_fields_set == set(file.Defaults.model_fields)
    assert 'entry-points."smb_rehearsal.mitigations"' in entries
    for word in (
        *GROUPS,
        *(f"`{name}/`" for name in contents.FOLDERS),
        *(f"--rehearse-{one}" for one in OPTIONS),
    ):
        assert word in PAGE, word
    for name, kinds in contents.FOLDERS.items():
        (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}/`"))
        assert all(f"`*{FORMS[kind].suffix}`" in row for kind in kinds), row


def test_the_server_of_the_page_is_there(tmp_path: Path) -> None:
    (text,) = examples("your-project.md")
    (tmp_path / "servers").mkdir()
    (tmp_path / "servers" / "files.py").write_text(text)
    made = CATALOGUE.adding(*contents.sources(file.Project(tmp_path)))
    assert made.whose("server", "our-files") == "yours"


def test_all_that_may_be_looked_for_is_on_the_page() -> None:
    page = (DOCS / "adding-a-mitigation.md").read_text()
    for name in Look.model_fields:
        assert f"`{name.replace('_', '-')}" in page or f", `{name}." in page, name


@pytest.mark.local_lab
def test_the_mitigation_of_the_page_is_seen_to_come_and_to_go(
    serve: Callable[[str], LiveServer], strangers_out: Path
) -> None:
    live, ours = serve("samba-4.22-smb1"), load(strangers_out)
    before = live.state
    assert not ours.verify(live).in_effect
    try:
        ours.apply(live)
        assert ours.verify(live).in_effect
    finally:
        ours.revert(live, before)
    assert not ours.verify(live).in_effect
