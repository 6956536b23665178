"""In which tree a message is, for the tap and for what learns from captures."""

from __future__ import annotations

import pytest

from harness.model import STATUS_OK, StepName
from harness.smb.tap.events import Command, Request, Response
from harness.smb.tap.fingerprint import SessionFingerprint
from harness.smb.tap.trace import Tracer
from harness.smb.tap.trees import Trees

ANDX = Request(Command.SESSION_SETUP, 1, 2, path="\\\\server\\ipc$", session=SessionFingerprint(smb1=True))
CONNECT = Request(Command.TREE_CONNECT, 2, 2, path="\\\\server\\IPC$")


@pytest.mark.parametrize("asked", [ANDX, CONNECT])
def test_a_pipe_is_opened_in_a_tree_that_is_ipc(asked: Request) -> None:
    """SMB1's session setup may carry the tree connect: [MS-CIFS] 2.2.4.53.1, AndXCommand."""
    tracer = Tracer()
    tracer.heard(asked, 0.0)
    tracer.heard(Response(asked.command, asked.protocol, 2, STATUS_OK, tree=7), 0.1)
    tracer.heard(Request(Command.CREATE, asked.protocol, 3, tree=7, path="srvsvc"), 0.2)
    tracer.heard(Response(Command.CREATE, asked.protocol, 3, "STATUS_ACCESS_DENIED", tree=7), 0.3)
    last = tracer.trace().steps[-1]
    assert (last.name, last.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")


def test_an_answer_that_is_still_to_come_connects_nothing() -> None:
    trees = Trees()
    assert trees.request(CONNECT) == "IPC$"
    trees.response(Response(Command.TREE_CONNECT, 2, 2, "STATUS_PENDING", tree=0))
    trees.request(Request(Command.CREATE, 2, 3, tree=0, path="report.txt"))
    assert not trees.in_ipc
    trees.response(Response(Command.TREE_CONNECT, 2, 2, STATUS_OK, tree=7))
    trees.request(Request(Command.CREATE, 2, 4, tree=7, path="srvsvc"))
    assert trees.in_ipc
    trees.request(Request(Command.READ, 2, 5, tree=0xFFFFFFFF))
    assert trees.in_ipc, "a related operation is in the tree of the one before"


def test_what_is_refused_is_no_tree() -> None:
    trees = Trees()
    trees.request(CONNECT)
    trees.response(Response(Command.TREE_CONNECT, 2, 2, "STATUS_ACCESS_DENIED", tree=7))
    trees.request(Request(Command.CREATE, 2, 3, tree=7, path="x"))
    assert not trees.in_ipc


@pytest.mark.parametrize("command", [Command.CREATE, Command.DELETE, Command.RAP, Command.READ])
def test_one_unsigned_request_is_enough(command: Command) -> None:
    trees = Trees()
    trees.request(Request(Command.TREE_CONNECT, 2, 1, path="\\\\server\\data"))
    assert trees.signed is None, "a tree connect does not tell"
    for signed, known in [(True, True), (False, False), (True, False)]:
        trees.request(Request(command, 2, 2, tree=1, signed=signed))
        assert trees.signed is known
