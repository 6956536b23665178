"""The schemas that are published are those of the models, and the documented command writes them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import harness.report
from harness.report import schemas

WRITTEN = schemas.schemas()


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.name))
def test_a_published_schema_is_the_one_of_the_models(file: Path) -> None:
    assert file.read_text(encoding="ascii") == WRITTEN[file], "run: python -m harness.report.schemas"


def test_every_schema_that_lies_there_is_of_a_document() -> None:
    assert {*Path(harness.report.__file__).parent.glob("*.schema.json")} == {*WRITTEN}


def test_the_command_writes_what_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started as a program, a module of models had another name, and its fields lost their descriptions."""
    written: dict[str, str] = {}
    monkeypatch.setattr(Path, "write_text", lambda file, text, **_: written.update({file.name: text}))
    runpy.run_path(schemas.__file__, run_name="__main__")
    assert written == {file.name: text for file, text in WRITTEN.items()}
