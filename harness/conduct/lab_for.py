"""The lab of a run, by what it is made with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from harness.labs.base import Lab
from harness.labs.local import LocalLab


def lab_for(folder: Path, images: Mapping[str, Path], means: str) -> AbstractContextManager[Lab]:
    """The local lab; with ``means``, what virtual machines are made with, the vagrant lab."""
    if not means:
        return nullcontext(LocalLab(folder, images))
    # Vagrant, SSH and testinfra are loaded where they are used alone: they would cost the local lab 11 MB.
    from harness.labs.vagrant.gather import Means
    from harness.labs.vagrant.lab import VagrantLab

    return VagrantLab(folder, images, Means.model_validate_json(means))
