"""What holds for every module: a catalogue and the environment are handed on, not asked for in the depth."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_project import HARNESS, imports, name_of, tree

# It reads what test_project reads.
pytestmark = pytest.mark.xdist_group("project")

MAY_MAKE_CATALOGUES = {
    # The catalogue's own room,
    "harness.catalogue": {"built_in", "made_of", "collect"},
    "harness.catalogue.catalogue": {"built_in"},
    "harness.catalogue.built_in": {"collect"},
    # where a program of ours begins: the command line, and what is started inside the lab,
    "harness.cli.base": {"made_of"},
    "harness.cli.mistaken": {"made_of"},
    "harness.verbs.build_images": {"made_of"},
    "harness.conduct.namespace_entry": {"made_of"},
    "harness.cluster.lab_entry": {"made_of"},
    "harness.cluster.deployed": {"made_of"},
    "harness.conduct.cell_shell": {"made_of"},
    "harness.conduct.cell_attempt": {"made_of"},
    "harness.verbs.listening": {"made_of"},
    "harness.pytest_scenarios": {"left_out"},
    # what is loaded for all workers at once, and the names alone, for a shell that waits for them.
    "harness.conduct.preload": {"made_of"},
    "harness.verbs.completion": {"built_in"},
}
"""Module -> what it may import of what finds servers, mitigations, clients, exposures and scenarios.

Everything else is handed a catalogue.
"""
_LOOK_UPS = re.compile(
    r"harness\.catalogue\.(catalogue\.)?(?P<made>made_of|built_in)(\..*)?$"
    r"|harness\.system\.registry\.(?P<found>collect|modules)$"
)


def _of_registry(path: Path) -> set[str]:
    """What a module uses of ``registry`` where it imports that whole."""
    return {
        f"harness.system.registry.{node.attr}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "registry"
    }


def test_a_catalogue_is_handed_on_and_not_asked_for() -> None:
    """No room finds servers, mitigations, clients, exposures or scenarios by itself."""
    found = {
        f"{name_of(path)} imports {word}"
        for path in HARNESS
        for word in imports(path) | _of_registry(path)
        if (match := _LOOK_UPS.match(word))
        if (match["made"] or match["found"]) not in MAY_MAKE_CATALOGUES.get(name_of(path), ())
    }
    assert found == set()


READS_ENVIRONMENT = {
    # What a program that we start finds around itself, and what is the user's there,
    "harness.system.environment",
    "harness.system.entry",
    "harness.system.process",
    "harness.system.paths",
    "harness.system.trust",
    "harness.system.lacks",
    # variables that docs/ name,
    "harness.labs.roots.debian",
    "harness.labs.images.build",
    "harness.labs.vagrant.uri",
    "harness.labs.vagrant.remote_lab",
    "harness.record.circumstances",
    "harness.verbs.expose",
    "harness.windows.trial",
    # those of a terminal, a shell, a CI system, pytest and mmdebstrap,
    "harness.cli.main",
    "harness.report.language",
    "harness.report.page",
    "harness.verbs.outputs",
    "harness.pytest_scenarios",
    "harness.labs.boxes.customise",
    # and the mark by which a process knows that it is in the lab.
    "harness.labs.namespace",
}
"""All others are handed what they need; nobody writes into it."""


def test_the_environment_is_read_in_named_places_and_written_nowhere() -> None:
    assert {name_of(path) for path in HARNESS if any(_environments(path))} == READS_ENVIRONMENT
    written = [f"{name_of(path)}: {what}" for path in HARNESS for what in environment_written(tree(path))]
    assert written == []


def _environments(path: Path) -> Iterator[ast.Attribute]:
    """Each ``os.environ`` and ``os.getenv`` of a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"):
            yield node


def environment_written(module: ast.Module) -> Iterator[str]:
    """Where a module sets, updates or deletes a variable of its own environment."""
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            if ast.unparse(node.value) == "os.environ":
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            if re.fullmatch(r"os\.(environ\.(pop|popitem|update|clear|setdefault)|putenv|unsetenv)", called):
                yield called


def test_who_writes_into_the_environment_is_seen() -> None:
    for text in (
        "os.environ['X'] = '1'",
        "del os.environ['X']",
        "os.environ.update(x)",
        "os.putenv('X', '')",
    ):
        assert len([*environment_written(ast.parse(text))]) == 1, text
    assert [*environment_written(ast.parse("a = os.environ['X'] + os.environ.get('Y', '')"))] == []
