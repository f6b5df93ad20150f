from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from tests.builders import make_user
from tests.mail import MailServer, running_mail_server

# What is tried is the same each time, so that a red run tells of the change that was made; `make soak` looks further.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=5_000, deadline=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Sign-in attempts are counted in the cache; one test's are not another's."""
    cache.clear()


@pytest.fixture
def administrator(db: None) -> User:
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def technician(db: None) -> User:
    return make_user(Role.TECHNICIAN)


@pytest.fixture
def viewer(db: None) -> User:
    return make_user(Role.VIEWER)


@pytest.fixture
def as_administrator(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


@pytest.fixture
def as_technician(technician: User) -> Client:
    client = Client()
    client.force_login(technician)
    return client


@pytest.fixture
def as_viewer(viewer: User) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server; processes are pointed at it by HOMEROOM_EMAIL_URL, this one by `use_mail_server`."""
    with running_mail_server() as server:
        yield server
