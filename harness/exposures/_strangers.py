"""What a server lets somebody do whom it does not know: without a name, and as a user that it has not.

Each look takes a session that is logged on already, and ends nothing. A tree connect is to the server's own
address, as people type it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from harness.exposures._response import Response, ask
from harness.model import STATUS_OK
from harness.smb.pipes import samr, srvsvc
from harness.smb.session import Opened, Session

T = TypeVar("T")

PIPES: Final = ("srvsvc", "samr", "lsarpc", "wkssvc", "netlogon", "spoolss")
"""Those that are tried without a name."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """What somebody without any name is let do."""

    logon: Response[None]
    ipc: Response[int]
    """The tree connect to IPC$; the value is its tree."""
    pipes: dict[str, Response[Opened]]
    """By name, of ``PIPES``; empty where IPC$ was not reached."""
    shares: Response[list[srvsvc.Share]]
    users: Response[list[str]]


@dataclass(frozen=True, slots=True)
class Guest:
    """What a user is let do whom no server knows."""

    logon: Response[bool]
    """The value: the server says itself that it is a guest session."""
    shares: dict[str, Response[None]]
    """By name: whether files may be added to it."""


def share_path(address: str, share: str) -> str:
    """``\\\\address\\share``."""
    return f"\\\\{address}\\{share}"


def not_let_in(logon: Response[None]) -> Anonymous:
    """That nobody gets in without a name; ``logon`` is what came instead."""
    return Anonymous(logon, Response("", "not asked"), {}, Response(""), Response(""))


def look_without_a_name(session: Session, address: str) -> Anonymous:
    """IPC$, its pipes, the share list and the user list, in an anonymous session.

    Raises nothing for what the server refuses: that is in the responses.
    """
    logon: Response[None] = Response(STATUS_OK)
    ipc = ask(lambda: session.tree_connect(share_path(address, "IPC$")))
    tree = ipc.value
    if tree is None:
        return Anonymous(logon, ipc, {}, Response(""), Response(""))
    pipes = {name: _opened(session, tree, name) for name in PIPES}
    return Anonymous(
        logon,
        ipc,
        pipes,
        _called(pipes["srvsvc"], lambda pipe: list_shares(session, pipe, address)),
        _called(
            pipes["samr"],
            lambda pipe: samr.list_users(
                lambda data: session.transceive(pipe, data), lambda: session.read_pipe(pipe)
            ),
        ),
    )


def look_as_a_guest(session: Session, address: str, shares: Sequence[str]) -> Guest:
    """Whether the session of an unknown user is a guest's, and to which of these shares it may add files."""
    may = {name: _may_add(session, share_path(address, name)) for name in shares}
    return Guest(Response(STATUS_OK, value=session.guest), may)


def list_shares(session: Session, pipe: Opened, address: str) -> list[srvsvc.Share]:
    """The share list over an open pipe to ``srvsvc``. Raises Refused or LabFault."""
    return srvsvc.shares(
        lambda data: session.transceive(pipe, data), lambda: session.read_pipe(pipe), address
    )


def _may_add(session: Session, path: str) -> Response[None]:
    return ask(lambda: session.may_add(session.tree_connect(path)))


def _opened(session: Session, tree: int, name: str) -> Response[Opened]:
    return ask(lambda: session.open_pipe(tree, name))


def _called(pipe: Response[Opened], call: Callable[[Opened], T]) -> Response[T]:
    """A remote call over a pipe that was opened; what refused the pipe where it was not."""
    opened = pipe.value
    if opened is None:
        return Response(pipe.status, pipe.detail)
    return ask(lambda: call(opened))
