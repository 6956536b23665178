"""The image of client programs: what is in it, when it is outdated, and the one client that needs npm."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs import doctor, images, namespace
from harness.labs.images import steps
from harness.labs.images.build import recipe
from harness.system.client_image import CLIENTS, JAVA_CLASSES, NODE_CLIENT
from harness.system.image import BuildStep


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


def test_what_is_built_into_an_image_decides_whether_it_is_outdated(tmp_path: Path) -> None:
    image, plain = CLIENTS, replace(CLIENTS, steps=())
    before = recipe(image)
    assert recipe(plain) != before
    assert recipe(replace(image, packages=image.packages[1:])) != before
    java, node = image.steps
    copy = tmp_path / "Jcifs.java"
    shutil.copy(java.files[0], copy)
    moved = replace(java, files=(copy,))
    assert recipe(replace(image, steps=(moved, node))) == before
    assert recipe(replace(image, steps=(replace(moved, revision=1), node))) != before
    with copy.open("a") as helper:
        helper.write("// changed\n")
    assert recipe(replace(image, steps=(moved, node))) != before


GREETS = BuildStep(
    "a program that greets",
    "/opt/greets",
    ("cc", "-static", "-o", "greets", "greets.c"),
    texts={"greets.c": '#include <stdio.h>\nint main(void) { puts("good morning"); return 0; }\n'},
    on_this_machine=True,
)


def test_a_program_is_compiled_into_an_image_and_runs_there(tmp_path: Path) -> None:
    if steps.here("cc") is None:
        pytest.skip("this machine has no C compiler")
    told = replace(
        GREETS,
        title="what it says",
        folder="/opt/said",
        command=("/opt/greets/greets",),
        texts={},
        on_this_machine=False,
    )
    umask = os.umask(0o077)
    try:
        steps.add(tmp_path, (GREETS, told))
    finally:
        os.umask(umask)
    assert (tmp_path / "opt/greets/greets").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "opt/greets/greets.c").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "opt").stat().st_mode & 0o055 == 0o055
    with pytest.raises(LabFault, match="what it says"):
        steps.add(tmp_path, (replace(told, command=("/opt/greets/nothing",)),))


def test_what_cannot_be_made_is_left_out_only_where_that_is_said(tmp_path: Path) -> None:
    lost = replace(GREETS, command=("no-such-compiler",))
    with pytest.raises(LabFault, match="a program that greets: this machine has no no-such-compiler"):
        steps.add(tmp_path, (lost,))
    steps.add(tmp_path, (replace(lost, optional=True),))
    assert not (tmp_path / "opt/greets").exists()
    gone = replace(GREETS, files=(tmp_path / "gone.c",))
    with pytest.raises(LabFault, match=r"a program that greets: .*gone\.c"):
        steps.recipe((gone,))


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
