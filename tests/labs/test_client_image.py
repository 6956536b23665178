"""The image of client programs: what is in it, when it is outdated, and the one client that needs npm."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.labs import doctor, images, namespace
from harness.labs.images import helpers
from harness.labs.images.build import recipe
from harness.system.client_image import CLIENTS, JAVA_CLASSES, NODE_CLIENT, SOURCES


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """./test runs these inside a lab, where images are not built."""
    monkeypatch.delenv(namespace.MARKER, raising=False)


@pytest.mark.local_lab
def test_the_image_of_client_programs() -> None:
    store = images.store(CATALOGUE.images)
    status = store.status(CLIENTS.name)
    assert (status.state, status.version) == ("present", "")
    root = store.root(CLIENTS.name)
    for program in ("usr/bin/rclone", "usr/bin/node", "usr/bin/python3", "usr/bin/setpriv"):
        assert (root / program).stat().st_mode & 0o111, program
    assert (root / JAVA_CLASSES.lstrip("/") / "Jcifs.class").stat().st_mode & 0o044 == 0o044
    if shutil.which("npm"):
        assert images.has(CLIENTS.name, NODE_CLIENT)


def test_what_is_built_into_an_image_decides_whether_it_is_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in SOURCES.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(SOURCES)).parent.mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / path.relative_to(SOURCES))
    image, plain = CLIENTS, replace(CLIENTS, helpers=False)
    before = recipe(image)
    assert recipe(plain) != before
    assert recipe(replace(image, packages=image.packages[1:])) != before
    monkeypatch.setattr(helpers, "SOURCES", tmp_path)
    assert recipe(image) == before
    with (tmp_path / "Jcifs.java").open("a") as helper:
        helper.write("// changed\n")
    assert recipe(image) != before


def test_doctor_says_what_to_install_for_the_node_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = doctor._node([])
    assert finding.ok, "one client less is no obstacle"
    assert finding.mend.endswith("apt-get install --no-install-recommends npm")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n")
    npm.chmod(0o755)
    assert doctor._node([]).mend == f"nothing to type: {npm} installs it when the image clients is built"
