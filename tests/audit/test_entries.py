"""The audit trail only grows, and is read by administrators."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import AuditTrailIsAppendOnly, Entry
from homeroom.audit.verbs import changed_values, record
from tests.builders import make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> Entry:
    return record(
        COMMAND_LINE, "site.updated", make_site(name="North"), before={"name": "N"}, after={"name": "North"}
    )


ATTEMPTS: list[Callable[[Entry], object]] = [
    Entry.save,
    Entry.delete,
    lambda entry: Entry.objects.update(action="x"),
    lambda entry: Entry.objects.all().delete(),
    lambda entry: Entry._base_manager.update(action="x"),
    lambda entry: Entry.objects.bulk_update([entry], ["action"]),
    lambda entry: Entry.objects.update_or_create(pk=entry.pk, defaults={"action": "x"}),
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_entry_cannot_be_changed_or_deleted(entry: Entry, attempt: Callable[[Entry], object]) -> None:
    before = Entry.objects.values().get()
    with pytest.raises(AuditTrailIsAppendOnly), transaction.atomic():
        attempt(Entry.objects.get())
    assert Entry.objects.values().get() == before


def test_the_page_filters_and_shows_what_changed(entry: Entry, as_administrator: Client) -> None:
    page = as_administrator.get("/account/audit/?object_label=nort").content.decode()
    assert "North" in page
    assert "North" not in as_administrator.get("/account/audit/?object_label=south").content.decode()
    assert as_administrator.get("/account/audit/?since=nonsense").status_code == 200


def test_only_what_differs_is_kept() -> None:
    assert changed_values({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})
