"""PowerShell's grammar for the tests: what a script's commands, parameters and last words are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_powershell.language()))


def parse(text: str) -> Node:
    """The syntax tree of a script."""
    return _parser().parse(text.encode()).root_node


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: Node) -> str:
    """The words of a node."""
    return (node.text or b"").decode()


def mistakes(root: Node) -> list[str]:
    """Where the text is no PowerShell: line and words."""
    return [
        f"line {node.start_point.row + 1}: {text(node)[:60]!r}"
        for node in walk(root)
        if node.type == "ERROR" or node.is_missing
    ]


def commands(root: Node) -> list[tuple[str, list[str]]]:
    """Every command that is called by its name, with the names of its parameters."""
    found = []
    for node in walk(root):
        if node.type == "command":
            name = node.child_by_field_name("command_name")
            if name is not None:
                given = [text(one).rstrip(":") for one in walk(node) if one.type == "command_parameter"]
                nested = [
                    text(one).rstrip(":")
                    for inner in walk(node)
                    if inner.type == "command" and inner != node
                    for one in walk(inner)
                    if one.type == "command_parameter"
                ]
                for parameter in nested:
                    given.remove(parameter)
                found.append((text(name), given))
    return found


def functions(root: Node) -> set[str]:
    """The functions that a script defines."""
    return {text(node) for node in walk(root) if node.type == "function_name"}


def parameters(root: Node) -> dict[str, str]:
    """The parameters of the script itself, with their types in small letters."""
    block = next((node for node in root.children if node.type == "param_block"), None)
    found = {}
    for one in walk(block) if block else ():
        if one.type == "script_parameter":
            kind = next((text(part) for part in walk(one) if part.type == "type_literal"), "")
            name = next(text(part) for part in walk(one) if part.type == "variable")
            found[name.removeprefix("$")] = kind.strip("[]").lower() + ("[]" if kind.endswith("[]]") else "")
    return found


def statements(root: Node) -> list[str]:
    """The statements of the script itself, without those inside blocks."""
    body = next(node for node in root.children if node.type == "statement_list")
    return [text(node) for node in body.children if node.type != ";"]


def hash_keys(expression: str) -> set[str]:
    """The keys of the hash that an expression begins with."""
    root = parse(expression)
    outer = next(node for node in walk(root) if node.type == "hash_literal_expression")
    entries = [node for node in walk(outer) if node.type == "hash_entry" and _hash_of(node) == outer]
    return {
        text(key).strip("'\"") for entry in entries for key in entry.children if key.type == "key_expression"
    }


def _hash_of(node: Node) -> Node | None:
    parent = node.parent
    while parent is not None and parent.type != "hash_literal_expression":
        parent = parent.parent
    return parent
