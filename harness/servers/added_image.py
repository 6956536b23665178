"""An image that the user added as a file describes it, and the servers that it makes.

The file is written by ``rehearse images add`` when all else of the image is in place. A run keeps a copy, so
it holds no path and no time: the same root file system makes the same file everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UsageError
from harness.model import Dialect, Evidence, Tier
from harness.servers.base import Conf, Server
from harness.servers.samba_release import VENDOR_PATCH
from harness.system import files
from harness.system.image import Image

PATTERN = r"^[a-z0-9][a-z0-9.-]{0,39}$"
"""What such an image may be called: a part of a cell's id, and a file's name."""
_HINT = "See: rehearse images --help"
_MOST = 64 * 1024
_Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,300}$")]
"""What a program of the image, or a file in it, says of itself: it is printed."""


class AddedImage(BaseModel):
    """``NAME.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: Literal[1] = 1
    name: str = Field(pattern=PATTERN)
    made_of: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the archive, or of what was asked of an apt archive and the packages that came."""
    how: _Line
    """For people: "a tar archive", "suite NAME of URL"."""
    version: _Line
    """Of the smbd, as it says itself."""
    release: _Line = ""
    """By os-release(5); "" where it says nothing."""
    package: _Line = ""
    """The package that the smbd is of, with its version; "" where that cannot be told."""
    highest: Dialect | None = None
    """The newest dialect that it can be told to speak; None where it could not be asked."""
    laxer: Mapping[_Line, _Line] = Field(default_factory=dict)
    """[global] that lets in what it refuses by default, SMB1 and NTLMv1; empty where it refuses neither."""
    patched: str = Field("", pattern=rf"{PATTERN}|^$")
    """The image with its vendor's patch."""
    remarks: tuple[_Line, ...] = ()
    """What it lacks, and what was left out when it was added."""


def read(file: Path) -> AddedImage:
    """Raises UsageError naming the file and what is wrong in it."""
    try:
        return AddedImage.model_validate_json(files.read(file, _HINT, _MOST))
    except ValidationError as error:
        raise UsageError(f"{file}: {files.first_mistake(error)}", _HINT) from error


def image(added: AddedImage) -> Image:
    """As the lab knows it."""
    return Image(
        added.name,
        "",
        security=False,
        title=_title(added),
        packages=(),
        added=added.made_of,
        version=added.version,
    )


def server_name(name: str) -> str:
    """The server of an image."""
    return f"samba-{name}"


def servers(added: AddedImage) -> tuple[Server, ...]:
    """The server at Samba's defaults and, where those refuse SMB1 or NTLMv1, the one that allows them."""
    name = server_name(added.name)
    laxer = f"{name}-smb1" if added.laxer else ""
    said = (
        Evidence(f"Samba {added.version}", "smbd -V in this image"),
        Evidence(f"made of {added.how}, SHA-256 {added.made_of[:12]}", "rehearse images add"),
        *(Evidence(remark, "seen when it was added") for remark in added.remarks),
    )
    plain = Server(
        name,
        f"{_title(added)}, at its defaults",
        added.name,
        Conf(),
        highest=added.highest or Dialect.SMB3_11,
        upgrades={VENDOR_PATCH: added.patched} if added.patched else {},
        no_upgrade="" if added.patched else "no patched image was named when it was added (--patched)",
        evidence=said,
        laxer=laxer,
        labs=frozenset({Tier.LOCAL}),
    )
    if not laxer:
        return (plain,)
    allowed = ", ".join(f"{key} = {value}" for key, value in added.laxer.items())
    twin = replace(
        plain,
        name=laxer,
        title=f"{_title(added)}, with {allowed}",
        conf=Conf(dict(added.laxer)),
        laxer="",
    )
    return plain, twin


def _title(added: AddedImage) -> str:
    of = f" ({added.release})" if added.release else ""
    return f"Samba {added.version}{of} of your image {added.name}"
