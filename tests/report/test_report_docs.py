"""The page about the result document names every field of it, and its example is a valid one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema

from harness.report.documents.result import schema

PAGE = (Path(__file__).parents[2] / "docs" / "result-document.md").read_text(encoding="utf-8")


def fields(node: Any) -> set[str]:
    """Every property name anywhere in a schema."""
    if isinstance(node, list):
        return {name for part in node for name in fields(part)}
    if not isinstance(node, dict):
        return set()
    own = node.get("properties", {})
    return set(own) | {name for part in node.values() for name in fields(part)}


def test_every_field_is_explained() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    explained = set(re.findall(r"`([a-z_]+)`", prose))
    assert len(fields(schema())) > 50
    assert fields(schema()) - explained == set()


def test_the_example_is_a_valid_cell() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    cell_schema = {"$ref": "#/$defs/CellPart", "$defs": schema()["$defs"]}
    jsonschema.Draft202012Validator(cell_schema).validate(json.loads(found[1]))
