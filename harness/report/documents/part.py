"""What all parts of the result document have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _well_formed(value: object) -> object:
    """A lone surrogate (a file name that is not UTF-8) has no place in JSON: it becomes U+FFFD."""
    # Almost all are ASCII: of ten thousand cells there are 600,000 to look at.
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Words = Annotated[str, BeforeValidator(_well_formed)]


class Part(BaseModel):
    """Base of all parts: nothing unknown, nothing changed later, no NaN.

    What is written under a field describes it in the schema (``json_text.schema_of``). It is read there:
    pydantic (``use_attribute_docstrings``) would read it when a part is made: a tenth of all that a short
    command takes.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        serialize_by_alias=True,
        defer_build=True,
        from_attributes=True,
    )
