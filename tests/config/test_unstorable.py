"""A NUL, which PostgreSQL neither compares nor keeps, is answered for everywhere. (SQLite takes it as any character.)"""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.api.test_api import Caller, is_problem
from tests.applesync.mirrors import make_connection, make_listed

pytestmark = pytest.mark.django_db
IS_POSTGRESQL = connection.vendor == "postgresql"


@pytest.mark.parametrize("path", ["incidents/new", "devices", "incidents", "replacements", "at-apple"])
def test_a_page_that_searches_answers(path: str, as_administrator: Client) -> None:
    assert as_administrator.get(f"/{path}/?q=%00").status_code in (200, 400)


def test_the_page_of_a_new_device_answers(as_administrator: Client) -> None:
    candidate = make_listed("NEW1", make_connection())
    answer = as_administrator.get(f"/replacements-to-review/{candidate.pk}/?q=%00")
    assert answer.status_code == (400 if IS_POSTGRESQL else 200)
    assert ("Type it again" in answer.content.decode()) is IS_POSTGRESQL


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/incidents?q=%00", None),
        ("GET", "/replacements?original_serial=%00", None),
        ("DELETE", "/replacements/told/%00", None),
        ("POST", "/replacements/told", {"replacement_serial": "A\0", "original_serial": "B"}),
        ("POST", "/replacements/pair", {"replacement_serial": "A\0", "incident": 1}),
    ],
)
def test_the_api_says_that_it_can_not_be_kept(method: str, path: str, body: dict[str, Any] | None) -> None:
    answer = Caller().send(method, path, body)
    assert is_problem(answer, 422) if IS_POSTGRESQL else answer.status_code < 500
