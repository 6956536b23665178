"""What the Samba of a root file system answers (``labs.images.asking``), as the lab tells it outside."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from harness.model import Dialect


class Asked(BaseModel):
    """What was answered, or why this Samba cannot be used."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    refused: str = ""
    version: str = ""
    release: str = ""
    package: str = ""
    highest: Dialect | None = None
    laxer: Mapping[str, str] = Field(default_factory=dict)
    remarks: tuple[str, ...] = ()
