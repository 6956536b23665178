"""The releases of the lab as judges of a smb.conf(5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import private_lab
import pytest
from known import CATALOGUE

from harness.importing.judge import ImageJudge, judge
from harness.labs import images


@pytest.fixture(scope="session")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ImageJudge]:
    """The testparm of an image, by its name; each is mounted once."""
    private_lab.needed()
    made: dict[str, ImageJudge] = {}

    def get(image: str) -> ImageJudge:
        if image not in made:
            root = images.store(CATALOGUE.images).root(image)
            made[image] = judge(image, {image: root}, tmp_path_factory.mktemp(f"judge-{image}"))
        return made[image]

    return get


@pytest.fixture(scope="session")
def field() -> Path:
    """smb.conf files of real servers, with what is known of each."""
    folder = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "field" / "smbconf"
    if not folder.is_dir():
        pytest.skip("the files from the field are not here")
    return folder


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / "smb.conf"
