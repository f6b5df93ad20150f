"""Saved views: own and shared, seen and changed by whom they are meant for."""

import pytest
from django.test import Client
from django.utils.http import urlencode

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.models import Entry
from homeroom.reports.models import SavedView
from tests.builders import make_site, make_user

pytestmark = pytest.mark.django_db
EXPIRING = "/reports/mdm/applecare-expiring/"
NEW = "/reports/views/new/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, name: str = "Spring", query: str = "days=60", **more: str) -> SavedView | None:
    given = {"report": "applecare-expiring", "name": name, "query": query} | more
    assert client.post(NEW, given).status_code == 302
    return SavedView.objects.filter(name=name).last()


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.fixture
def ada() -> Client:
    return signed_in(make_user(Role.TECHNICIAN, name="Ada"))


@pytest.fixture
def ben() -> Client:
    return signed_in(make_user(Role.VIEWER, name="Ben"))


def test_a_view_keeps_filters_order_and_columns_and_nothing_else(ada: Client):
    said = {
        "days": "60",
        "q": "",
        "sort": "-asset_tag",
        "columns": "asset_tag,plan",
        "page": "3",
        "print": "1",
    }
    view = save(ada, query=urlencode(said))
    assert view is not None
    assert view.query == "days=60&sort=-asset_tag&columns=asset_tag%2Cplan"
    page = text(ada, EXPIRING)
    assert f'href="{view.get_absolute_url().replace("&", "&amp;")}"' in page
    opened = ada.get(view.get_absolute_url())
    assert opened.context["current"] == view
    assert [column.name for column in opened.context["reading"].shown] == ["asset_tag", "plan"]
    assert not opened.context["differs"]


def test_what_is_not_shared_only_its_owner_sees(ada: Client, ben: Client):
    view = save(ada, name="Private")
    assert view is not None
    for client, sees in ((ada, True), (ben, False), (signed_in(make_user(Role.ADMINISTRATOR)), False)):
        assert ("Private" in text(client, EXPIRING)) == sees
        assert ("Private" in text(client, "/reports/mdm/")) == sees
        assert ("Private" in text(client, view.get_absolute_url())) == sees
        assert client.get(f"/reports/views/{view.pk}/").status_code == (200 if sees else 404)
    assert not Entry.objects.filter(action__startswith="saved_view").exists()


def test_what_is_shared_others_open_and_leave_as_it_is(ada: Client, ben: Client):
    view = save(ada, name="Ours", shared="on")
    assert view is not None
    assert "shared by Ada" in text(ben, EXPIRING)
    assert ben.get(view.get_absolute_url()).context["current"] == view
    assert f"/reports/views/{view.pk}/" not in text(ben, view.get_absolute_url())
    for action in ("", "again/", "delete/"):
        assert ben.post(f"/reports/views/{view.pk}/{action}", {"name": "x"}).status_code == 404
    assert SavedView.objects.get().name == "Ours"


def test_a_shared_view_of_a_report_that_somebody_may_not_see_is_none_for_them(ada: Client, ben: Client):
    save(ada, name="Near ones", query="", report="near-matches", shared="on")
    assert "Near ones" in text(ada, "/reports/mdm/")
    assert "Near ones" not in text(ben, "/reports/mdm/")
    assert ben.post(NEW, {"report": "near-matches", "name": "x"}).status_code == 403
    assert ben.post(NEW, {"report": "unheard-of", "name": "x"}).status_code == 404


def test_an_administrator_answers_for_what_is_shared(ada: Client, as_administrator: Client):
    view = save(ada, shared="on")
    assert view is not None
    as_administrator.post(f"/reports/views/{view.pk}/", {"name": "Renamed", "shared": ""})
    assert SavedView.objects.get().name == "Renamed"
    assert not SavedView.objects.get().shared
    assert as_administrator.get(f"/reports/views/{view.pk}/").status_code == 404, "it is Ada's own again"


def test_it_is_renamed_shared_saved_again_and_deleted_and_the_audit_tells_of_shared_ones(ada: Client):
    view = save(ada)
    assert view is not None
    ada.post(f"/reports/views/{view.pk}/", {"name": "Autumn", "shared": "on"})
    page = ada.get(f"{EXPIRING}?days=30&view={view.pk}")
    assert page.context["differs"]
    ada.post(f"/reports/views/{view.pk}/again/", {"query": page.context["reading"].query})
    ada.post(f"/reports/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()
    told = [
        (entry.action, entry.before, entry.after)
        for entry in Entry.objects.order_by("pk")
        if "view" in entry.action
    ]
    assert told == [
        (
            "saved_view.updated",
            {"name": "Spring", "shared": False},
            {"name": "Autumn", "shared": True},
        ),
        ("saved_view.updated", {"query": "days=60"}, {"query": "days=30"}),
        (
            "saved_view.deleted",
            {"report": "applecare-expiring", "name": "Autumn", "query": "days=30", "shared": True},
            None,
        ),
    ]


def test_one_that_is_shared_from_the_first_is_told_of_at_once(ada: Client):
    save(ada, shared="on")
    (entry,) = Entry.objects.filter(action="saved_view.shared")
    assert (entry.object_label, entry.actor_label) == ("Spring", "Ada")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "Spring"}, "You have a view of this name already."),
        ({"name": " "}, "This field cannot be blank."),
        ({"name": "x", "query": "colour=red"}, "“colour” is no filter of this report."),
        ({"name": "x", "query": "days=soon"}, "Ends within days: Enter a number."),
    ],
)
def test_what_can_not_be_kept_is_said_and_not_kept(ada: Client, given: dict[str, str], sentence: str):
    save(ada)
    answer = ada.post(NEW, {"report": "applecare-expiring", "query": ""} | given, follow=True)
    assert sentence in answer.content.decode()
    assert SavedView.objects.count() == 1


def test_two_people_may_use_the_same_name(ada: Client, ben: Client):
    save(ada)
    save(ben)
    assert SavedView.objects.count() == 2


def test_a_view_of_a_site_that_somebody_does_not_see_is_told_as_such(ada: Client):
    hidden = make_site(name="Hidden School")
    view = save(ada, query=f"site={hidden.pk}", shared="on")
    assert view is not None
    other = signed_in(make_user(Role.VIEWER, sites=(make_site(),)))
    page = text(other, view.get_absolute_url())
    assert "Site: Select a valid choice" in page
    assert "Hidden School" not in page
