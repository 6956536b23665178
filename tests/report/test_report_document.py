"""The result document: its published schema is the models', and a real run's document obeys it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError
from report_example import cell, example, ok

import harness.report
from harness.model import Phase
from harness.report.documents import result as document

PUBLISHED = Path(harness.report.__file__).with_name("result.schema.json")


def loaded(text: str) -> dict[str, Any]:
    data = json.loads(text)
    assert isinstance(data, dict)
    return data


def test_the_schema_is_a_schema_of_draft_2020_12() -> None:
    schema = document.schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_run_obeys_the_schema() -> None:
    text = document.render_json(example())
    jsonschema.Draft202012Validator(document.schema()).validate(loaded(text))


@pytest.mark.parametrize("spoil", ["additional", "missing", "effect"])
def test_the_schema_refuses_what_is_no_result(spoil: str) -> None:
    data = loaded(document.render_json(example()))
    if spoil == "additional":
        data["cells"][0]["surprise"] = 1
    elif spoil == "missing":
        del data["cells"][0]["user_sees"]
    else:
        data["cells"][0]["effect"] = "perhaps"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(document.schema()).validate(data)


def test_the_names_of_the_design_are_there() -> None:
    data = loaded(document.render_json(example()))
    assert list(data) == [
        *("schema", "run", "lab", "complete", "planned", "measured", "damage", "scenarios", "expected_by"),
        *("servers", "clients", "mitigations"),
        *("rows", "cells", "applied", "not_applicable", "left_out"),
        *("exposures", "exposure_facts"),
        *("balances", "cheapest", "said", "stages", "summary", "gates", "added", "fleet", "reuse"),
    ]
    lost = next(c for c in data["cells"] if c["cell"] == "nt-pipe-support-off:samba-4.17:windows-7:browse")
    assert {
        k: lost[k] for k in ("mitigation", "server", "client", "check", "effect", "restored", "expected")
    } == {
        "mitigation": "nt-pipe-support-off",
        "server": "samba-4.17",
        "client": "windows-7",
        "check": "browse",
        "effect": "lost",
        "restored": True,
        "expected": True,
    }
    assert list(lost["phases"]) == ["baseline", "applied", "rolled_back"]
    applied = lost["phases"]["applied"]
    assert (applied["outcome"], applied["step"], applied["status"], applied["side"]) == (
        *("refused", "create-pipe", "STATUS_ACCESS_DENIED", "server"),
    )
    assert data["schema"] == 1
    assert data["exposures"] == []
    counts = {"kept": 9, "lost": 10, "gained": 1, "never": 1, "not_settled": 0, "fault": 1}
    assert data["summary"] == {**counts, "unexpected": 2}
    assert data["rows"][0]["cells"][0] == "smb1-client-off:sles11-like:windows-7:browse"


def test_a_phase_that_was_not_attempted_is_null() -> None:
    one = cell("none:samba-4.17:windows-7:open", restored=None)
    run = replace(example(), cells=(replace(one, phases={Phase.BASELINE: ok()}),))
    phases = loaded(document.render_json(run))["cells"][0]["phases"]
    assert phases["applied"] is None
    assert phases["rolled_back"] is None
    assert phases["baseline"]["outcome"] == "ok"


def test_emulated_is_told_for_every_server_and_client() -> None:
    data = loaded(document.render_json(example()))
    told = {name: part["emulated"] for kind in ("servers", "clients") for name, part in data[kind].items()}
    assert told == {
        "samba-4.17": False,
        "sles11-like": True,
        "windows-xp": True,
        "windows-7": True,
        "windows-10-1703": True,
        "office-scanner": True,
        "linux-smbclient": False,
    }


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_nan_gets_into_a_document(number: float) -> None:
    run = replace(example(), cells=(cell("a:b:c:open", before=ok(ms=number)),))
    with pytest.raises(ValidationError):
        document.render_json(run)


def test_the_same_run_gives_the_same_bytes_and_they_are_ascii() -> None:
    text = document.render_json(example())
    assert text == document.render_json(example())
    assert text.isascii()
    assert not [char for char in text if char < " " and char != "\n"]


def test_a_file_name_that_is_not_utf8_does_not_break_the_document() -> None:
    run = replace(example(), cells=(cell("a:b:c:open", cause="caf\udce9"),))
    assert loaded(document.render_json(run))["cells"][0]["cause"] == "caf\ufffd"
