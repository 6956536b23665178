"""JSON as text for a stream or a file, and the schema of what is written so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel


def dump(data: object, deeper: int = 0) -> str:
    """Pure ASCII, so that any stream can take it; nothing in it steers a terminal or is obeyed by a runner of
    jobs (``harness.system.plain``). Raises ValueError for NaN and the infinities.

    ``deeper``: how far its lines stand to the right, but for the first.
    """
    return _moved(json.dumps(data, indent=2, allow_nan=False).replace("##", r"#\u0023"), deeper)


def dump_model(model: BaseModel, deeper: int = 0) -> str:
    """The same text of a model, several times as fast: of a large run most of the time goes into it.

    ``deeper``: how far its lines stand to the right, but for the first. Raises ValueError as ``dump``.
    """
    text = model.model_dump_json(indent=2)
    # That writes characters as they are: of the few models that are not ASCII the slow way makes the text.
    if not text.isascii():
        return dump(model.model_dump(mode="json"), deeper)
    return _moved(text.replace("##", r"#\u0023"), deeper)


def _moved(text: str, deeper: int) -> str:
    return text.replace("\n", "\n" + " " * deeper) if deeper else text


def in_pieces(text: str, lists: Mapping[str, Iterable[str]], deep: int = 2) -> Iterator[str]:
    """A document of ``dump`` with items in some of its empty lists: all of many need not be in memory.

    ``lists``: by name, in the order of the document, never its last ones; ``deep``: how far they stand to the
    right in it, and the items two more. What looks like one in a text has no line end before it.
    """
    margin = "\n" + " " * deep
    for name, items in lists.items():
        head, _, text = text.partition(f'{margin}"{name}": [],')
        yield f'{head}{margin}"{name}": ['
        before, after = f"{margin}  ", "],"
        for item in items:
            yield before + item
            before, after = f",{margin}  ", f"{margin}],"
        yield after
    yield text


def schema_of(document: type[BaseModel], name: str, number: int) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of a document, as its models say."""
    from pydantic.json_schema import GenerateJsonSchema

    class Described(GenerateJsonSchema):
        """With the words under each field."""

        def model_schema(self, schema: Any) -> dict[str, Any]:
            found = super().model_schema(schema)
            fields = schema["cls"].model_fields
            for field, words in _under_fields(schema["cls"]).items():
                if field in fields:
                    found["properties"][fields[field].serialization_alias or field].setdefault(
                        "description", words
                    )
            return found

    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:smb-rehearsal:{name}:{number}",
        **document.model_json_schema(mode="serialization", schema_generator=Described),
    }


def _under_fields(model: type[BaseModel]) -> dict[str, str]:
    """What is written under the fields of a model and of those that it is made from."""
    import ast
    import inspect
    from textwrap import dedent

    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not kind.__module__.startswith(f"{__package__}."):
            continue
        (made,) = ast.parse(dedent(inspect.getsource(kind))).body
        for field, under in pairwise(made.body if isinstance(made, ast.ClassDef) else ()):
            match field, under:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    found[name] = inspect.cleandoc(words)
                case _:
                    pass
    return found
