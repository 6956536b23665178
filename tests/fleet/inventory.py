"""What tests of importers share: the samples of the field, and a source read as text."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from harness.fleet import importers
from harness.fleet.opening import Opened, opened
from harness.fleet.reading import Tally
from harness.fleet.sighting import Sighting

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "field" / "inventory"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples in {SAMPLES}")


def sample(beginning: str) -> Path:
    """The sample whose name begins so; skips the test where there is none."""
    found = sorted(SAMPLES.glob(f"{beginning}-*"))
    if not found:
        pytest.skip(f"no sample {beginning} in {SAMPLES}")
    return found[0]


def read(path: Path, kind: str = "") -> tuple[list[Sighting], Opened]:
    """A file, read to its end."""
    found = opened(path, kind)
    return list(found.sightings), found


def of_text(kind: str, text: str, source: str = "x") -> tuple[list[Sighting], Tally]:
    """A text, by the importer of that name."""
    tally = Tally()
    importer = importers.by_name()[kind]
    return list(importer.read(source, text.split("\n"), tally)), tally


def told(one: Sighting) -> dict[str, object]:
    """The facts of a sighting that are there; its place aside."""
    known = {field.name: (getattr(one, field.name), field.default) for field in fields(one) if field.compare}
    return {name: value for name, (value, usual) in known.items() if name != "place" and value != usual}
