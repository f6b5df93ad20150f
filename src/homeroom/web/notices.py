"""What is wrong and waits for someone, told on the first page after signing in. Apps register; the shell draws."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class Looker(Protocol):
    def may(self, permission: Any, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """`title` links to where it can be put right; `sentence` says what is wrong."""

    title: str
    sentence: str
    url: str


@dataclass(frozen=True, slots=True)
class Source:
    """Asked for its notices only on behalf of those who hold the permission."""

    permission: str
    notices: Callable[[Any], Iterable[Notice]]


_sources: list[Source] = []


def register_notices(source: Source) -> None:
    _sources.append(source)


def notices_for(viewer: Looker) -> list[Notice]:
    return [
        notice for source in _sources if viewer.may(source.permission) for notice in source.notices(viewer)
    ]
