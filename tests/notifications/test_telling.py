"""Telling a fact: once, in its own transaction, to those who want to know and may."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Role
from homeroom.notifications.facts import packed, unpacked
from homeroom.notifications.kinds import Delivery, Kind, register_kind
from homeroom.notifications.models import Fact, Mail, Preference, Telling
from homeroom.notifications.verbs import notify
from homeroom.notifications.verbs.telling import NotInATransaction
from tests.builders import make_site, make_user
from tests.notifications.kinds import BROKEN, MENDED

pytestmark = pytest.mark.django_db


def told_at_once() -> set[User]:
    return {mail.recipient for mail in Mail.objects.select_related("recipient")}


def waiting_for_a_digest() -> set[User]:
    waiting = Telling.objects.filter(mail=None).select_related("recipient")
    return {telling.recipient for telling in waiting}


def test_each_administrator_gets_a_mail_and_nobody_else() -> None:
    administrators = {make_user(), make_user()}
    make_user(Role.TECHNICIAN)
    make_user(is_active=False)
    assert notify(BROKEN, fact="pipe:1", context={})
    assert told_at_once() == administrators


def test_the_same_fact_is_told_once_and_another_again(administrator: User) -> None:
    assert notify(BROKEN, fact="pipe:1", context={"leak": 1})
    assert not notify(BROKEN, fact="pipe:1", context={"leak": 2})
    assert notify(BROKEN, fact="pipe:2", context={})
    assert notify(MENDED, fact="pipe:1", context={})
    assert Mail.objects.count() == 2
    assert Fact.objects.get(kind=BROKEN.key, key="pipe:1").context == {"leak": 1}


def test_who_comes_later_is_not_told_what_was_told_before(administrator: User) -> None:
    notify(BROKEN, fact="pipe:1", context={})
    make_user()
    notify(BROKEN, fact="pipe:1", context={})
    assert told_at_once() == {administrator}


def test_each_is_told_as_they_chose() -> None:
    at_once, digest, off = make_user(), make_user(), make_user()
    Preference.objects.create(user=digest, kind=BROKEN.key, delivery=Delivery.DIGEST)
    Preference.objects.create(user=off, kind=BROKEN.key, delivery=Delivery.OFF)
    notify(BROKEN, fact="pipe:1", context={})
    assert told_at_once() == {at_once}
    assert waiting_for_a_digest() == {digest}


def test_a_default_can_be_the_digest_and_others_are_asked_before_they_are_told(
    administrator: User, technician: User
) -> None:
    notify(MENDED, fact="pipe:1", context={})
    assert waiting_for_a_digest() == {administrator}
    Preference.objects.create(user=technician, kind=MENDED.key, delivery=Delivery.AT_ONCE)
    notify(MENDED, fact="pipe:2", context={})
    assert told_at_once() == {technician}


def test_a_choice_is_no_permission(technician: User) -> None:
    Preference.objects.create(user=technician, kind=BROKEN.key, delivery=Delivery.AT_ONCE)
    notify(BROKEN, fact="pipe:1", context={})
    assert not Mail.objects.exists()


def test_nobody_is_told_of_a_site_they_cannot_see() -> None:
    here, there = make_site(), make_site()
    everywhere, only_here, both = (
        make_user(Role.TECHNICIAN, sites=sites) for sites in ((), (here,), (here, there))
    )
    for user in (everywhere, only_here, both):
        Preference.objects.create(user=user, kind=MENDED.key, delivery=Delivery.AT_ONCE)
    notify(MENDED, fact="pipe:1", context={}, site_ids=[here.pk, there.pk])
    assert told_at_once() == {everywhere, both}


def test_what_concerns_one_person_is_told_to_them_alone(administrator: User) -> None:
    other = make_user()
    notify(BROKEN, fact="pipe:1", context={}, only_to=[other.pk])
    assert told_at_once() == {other}


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_did_not_come_true_is_not_told() -> None:
    make_user()
    with transaction.atomic():
        notify(BROKEN, fact="pipe:1", context={})
        transaction.set_rollback(True)
    assert not Fact.objects.exists()
    assert not Mail.objects.exists()
    with pytest.raises(NotInATransaction):
        notify(BROKEN, fact="pipe:1", context={})


def test_a_kind_that_nobody_registered_is_refused_and_so_is_a_second_one_of_that_name() -> None:
    stranger = Kind(BROKEN.key, "x", "x", Permission.VIEW_INVENTORY, "x")
    with pytest.raises(LookupError):
        notify(stranger, fact="pipe:1", context={})
    with pytest.raises(ValueError, match=BROKEN.key):
        register_kind(stranger)


def test_telling_costs_the_same_however_many_people_are_told(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    site = make_site()
    for _number in range(30):
        make_user()
        make_user(Role.TECHNICIAN, sites=(site,))
    with django_assert_max_num_queries(11):  # five of them are savepoints
        notify(MENDED, fact="pipe:1", context={}, site_ids=[site.pk])


def test_days_and_times_come_out_as_they_went_in() -> None:
    context = {
        "at": datetime(2026, 3, 1, 7, 30, tzinfo=UTC),
        "rows": [{"day": date(2026, 3, 2), "name": "<b>", "none": None}],
        "count": 3,
    }
    assert unpacked(packed(context)) == context


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(TypeError):
        packed({"user": object()})
    with pytest.raises(TypeError):
        packed({"label": gettext_lazy("Not at all")})
    with pytest.raises(TypeError):
        packed({"at": datetime(2026, 3, 1)})


FACTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.dates() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@given(context=st.dictionaries(st.text(), FACTS))
def test_whatever_an_app_tells_comes_out_as_it_went_in(context: dict[str, object]) -> None:
    assert unpacked(json.loads(json.dumps(packed(context)))) == context


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_two_tell_at_the_same_time_is_told_once() -> None:
    make_user()
    start = threading.Barrier(4)

    def tell() -> bool:
        start.wait()
        try:
            with transaction.atomic():
                return notify(BROKEN, fact="pipe:1", context={})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = [pool.submit(tell) for _number in range(4)]
        assert sorted(each.result() for each in told) == [False, False, False, True]
    assert Mail.objects.count() == 1
