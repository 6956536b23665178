"""Which files are scenario scripts, told without running them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

_ASSIGNED: Final = re.compile(rb"^SCENARIO\b[^\n=]*=", re.MULTILINE)


def is_script(path: Path) -> bool:
    """Whether a file is a scenario script: Python that assigns SCENARIO and knows harness.

    Tests of scripts have the text of one there, and are none. One with a slip in its syntax is a script: left
    out, all that it should have tested would be missing from tests that pass.
    """
    if path.suffix != ".py":
        return False
    try:
        text = path.read_bytes()
        if b"harness" not in text or not _ASSIGNED.search(text):
            return False
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        # pytest itself says what is wrong with a test.
        return not (path.name.startswith("test_") or path.name.endswith("_test.py"))
    except OSError:
        return False
    names: list[ast.expr] = []
    for node in body:
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
            names += node.targets
        elif isinstance(node, ast.AnnAssign) and not isinstance(node.value, ast.Constant):
            names.append(node.target)
    return any(isinstance(name, ast.Name) and name.id == "SCENARIO" for name in names)
