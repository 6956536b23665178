"""The pinned packages: they satisfy the project, and no index is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    found = re.findall(r"^([\w.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", text, re.MULTILINE)
    entries = [line for line in text.splitlines() if re.match(r"(?!-r )[^#\s]", line)]
    assert len(found) == len(entries), "a line that is no pin with hashes"
    assert all(hashes for _, _, hashes in found), "a pin without hashes"
    return {canonicalize_name(pin): version for pin, version, _ in found}


def test_the_pins_satisfy_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, cluster, dev = _pins("run.txt"), _pins("cluster.txt"), _pins("dev.txt")
    assert len(run | cluster | dev) == len(run) + len(cluster) + len(dev), "a pin that is there twice"
    for words, pins in (
        (project["project"]["dependencies"], run),
        (project["project"]["optional-dependencies"]["cluster"], run | cluster),
        (project["dependency-groups"]["dev"], run | cluster | dev),
    ):
        for requirement in map(Requirement, words):
            version = pins[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement


def test_no_index_is_named() -> None:
    for name in ("run.txt", "cluster.txt", "dev.txt", "bootstrap.sh"):
        text = (ROOT / "requirements" / name).read_text()
        assert not re.search(r"https?://|--index-url|--find-links", text)
