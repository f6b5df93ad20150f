import asyncio
import inspect
from typing import Any

import pytest

from appleschool import Credentials, PrivateKey

from .keys import new_key


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    return PrivateKey(new_key())


@pytest.fixture
def credentials(key: PrivateKey) -> Credentials:
    return Credentials(client_id="SCHOOLAPI.one", key_id="key-one", private_key=key)
