"""Learning from conversations that a test makes: the capture, and the one client in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from packet_maker import Talk, pcap, written

from harness.learn.matching import KnownPersona
from harness.learn.study import Client, Study, study

Learn = Callable[..., Study]
"""Any number of ``Talk`` -> what is learned of them."""


def learner(folder: Path, known: list[KnownPersona]) -> Learn:
    """Studies a capture of conversations, which it writes into this folder."""

    def of(*talks: Talk) -> Study:
        return study([capture(folder, *talks)], known)

    return of


def capture(folder: Path, *talks: Talk, name: str = "made.pcap") -> Path:
    return written(folder, pcap([frame for talk in talks for frame in talk.frames]), name)


def only(found: Study) -> Client:
    (client,) = found.clients
    return client
