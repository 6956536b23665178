"""One event loop in the main thread, ended by signals in an orderly way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from harness.system.entry import STOPS

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; a signal that asks for an orderly end cancels it.

    Raises KeyboardInterrupt then, when all that it had open is closed. Who ignores a signal (nohup) goes on
    ignoring it.
    """
    heard: list[int] = []

    async def until_stopped() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(main)

        def stop(number: int) -> None:
            heard.append(number)
            task.cancel()

        for number in answered:
            loop.add_signal_handler(number, stop, number)
        try:
            return await task
        finally:
            for number in answered:
                loop.remove_signal_handler(number)

    before = {number: signal.getsignal(number) for number in STOPS}
    answered = [number for number, known in before.items() if known is not signal.SIG_IGN]
    try:
        return asyncio.run(until_stopped())
    except asyncio.CancelledError:
        if heard:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, known in before.items():
            signal.signal(number, known)
