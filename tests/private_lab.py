"""Whether a test has the lab's private namespace, which ./test makes for all of them; mounts of its own."""

from __future__ import annotations

import os

import pytest

from harness.labs import namespace


def needed() -> None:
    """Go on in a private lab, skip where none was made; fail where one was made and is not private any more.

    Fixtures of a session ask once: a device that is up for seconds alone had a thousand tests skip.
    """
    if namespace.inside():
        return
    if namespace.MARKER in os.environ:
        pytest.fail("a network device is up in the lab of ./test that is not the lab's: what has made it?")
    pytest.skip("needs the lab's private namespace: run ./test")


def own_mounts() -> list[str]:
    """The words before a command by which what it mounts is seen by nobody else.

    In a chroot "/" is no mount, and its propagation cannot be set (EINVAL): the lab has seen to it already.
    """
    return ["unshare", "--mount", "--propagation", "unchanged" if namespace.inside() else "private"]
