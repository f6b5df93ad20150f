from collections.abc import Iterator

import pytest

from homeroom.notifications import kinds
from tests.notifications.kinds import BROKEN, MENDED


@pytest.fixture(autouse=True)
def own_kinds() -> Iterator[None]:
    """The kinds of these tests beside those of the program, for as long as a test runs."""
    for kind in (BROKEN, MENDED):
        kinds.register_kind(kind)
    yield
    for kind in (BROKEN, MENDED):
        del kinds._kinds[kind.key]
