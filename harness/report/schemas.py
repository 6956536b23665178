"""The published schemas of the JSON documents: ``python -m harness.report.schemas`` writes all of them anew.

They are beside this file, where pages of the documentation and users' validators have them from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.report.documents import comparison, fleet, replay, result, rollout
from harness.report.json_text import dump

FOLDER: Final = Path(__file__).parent


def schemas() -> Mapping[Path, str]:
    """Each schema's file, and what is to be in it."""
    made = {
        "result": result.schema(),
        "comparison": comparison.schema(),
        "replay": replay.schema(),
        "rollout": rollout.schema(),
        **{f"fleet-{operation}": fleet.schema(operation) for operation in fleet.DOCUMENTS},
    }
    return {FOLDER / f"{name}.schema.json": f"{dump(schema)}\n" for name, schema in made.items()}


if __name__ == "__main__":
    for file, text in schemas().items():
        file.write_text(text, encoding="ascii")
