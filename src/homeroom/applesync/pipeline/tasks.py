"""Asynchronous work that belongs together, and the loop it runs in."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any

InDatabase = Callable[..., Awaitable[Any]]
"""Has a function called in the thread that talks to the database."""


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """All of it; if one fails the others are cancelled and waited for, and its error is the outcome."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def until_first(*work: Coroutine[Any, Any, Any]) -> None:
    """As long as none of it has ended; the others are then cancelled and waited for."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
    for task in done:
        task.result()


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def quick_turns() -> Iterator[None]:
    """Let the loop have its turn soon while another thread prepares writes; Python's own 5 ms starve it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for unreachable cycles less often: rows and records hold none, and each look passes over all of them."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
