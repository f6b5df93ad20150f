"""Searching devices and people: whatever an index knows, what is found is what has every word."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory import queries, words
from homeroom.inventory.models import Assignment, Device, Person
from homeroom.inventory.verbs.assignments import check_in, check_out
from homeroom.inventory.words import keep_word_indexes
from tests.builders import make_device, make_person, make_site

pytestmark = pytest.mark.django_db
LETTERS = st.text("abAB12 \"'*%_-^:(){}+\\éÉ\N{LATIN SMALL LETTER SHARP S}", max_size=8)
WORD = st.text("abAB12\"'*%_-^:(){}+\\éÉ\N{LATIN SMALL LETTER SHARP S}", min_size=1, max_size=5)


def found(text: str) -> set[int]:
    devices = queries.search_devices(queries.visible_devices(COMMAND_LINE_VIEWER), text)
    return set(devices.values_list("pk", flat=True))


def found_people(text: str) -> set[int]:
    people = queries.search_people(queries.visible_people(COMMAND_LINE_VIEWER), text)
    return set(people.values_list("pk", flat=True))


def capitals(text: str | None) -> str:
    """As SQLite, and PostgreSQL of locale C, have it: only the letters of ASCII have capitals."""
    return "".join(letter.upper() if letter.isascii() else letter for letter in text or "")


def person_has(person: Person, word: str) -> bool:
    word = capitals(word)
    return (
        word in capitals(person.name)
        or word in capitals(person.email)
        or capitals(person.external_id).startswith(word)
    )


def device_has(device: Device, word: str) -> bool:
    texts = (device.asset_tag, device.serial_number, device.name, device.model)
    if any(capitals(word) in capitals(text) for text in texts):
        return True
    open_ones = Assignment.objects.filter(device=device, ended_at=None).select_related("person")
    return any(person_has(one.person, word) for one in open_ones)


def assert_all_is_found(text: str) -> None:
    each = text.split()
    devices = {device.pk for device in Device.objects.all() if all(device_has(device, word) for word in each)}
    people = {person.pk for person in Person.objects.all() if all(person_has(person, word) for word in each)}
    assert found(text) == devices
    assert found_people(text) == people


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    names=st.lists(st.tuples(LETTERS, LETTERS, LETTERS), min_size=1, max_size=6),
    asked=st.lists(WORD, min_size=1, max_size=3),
    most=st.sampled_from((0, 1, 2, 10_000)),
    data=st.data(),
)
def test_what_is_found_is_what_has_every_word(db, monkeypatch, names, asked, most, data):
    """Also of what was written anew, moved and deleted; also where words are too frequent to be looked up."""
    monkeypatch.setattr(words, "MOST_FOUND", most)
    monkeypatch.setattr(queries, "MOST_FOUND", most)
    monkeypatch.setattr(queries, "FEW_KEYS", most // 2)
    Assignment.objects.all().delete()
    Device.objects.all().delete()
    Person.objects.all().delete()
    site = make_site()
    for number, (one, other, third) in enumerate(names):
        person = make_person(
            name=f"x{one}", external_id=f"{number}{other}", email=f"{third}@b.test", site=site
        )
        device = make_device(asset_tag=f"{other}{number}", name=one, model=third, site=site)
        check_out(device, person, actor=COMMAND_LINE)
    assert_all_is_found(" ".join(asked))
    changed = data.draw(st.sampled_from(list(Device.objects.all())))
    Device.objects.filter(pk=changed.pk).update(name=data.draw(LETTERS), serial_number=data.draw(WORD))
    Person.objects.filter(assignments__device=changed).update(name=data.draw(LETTERS))
    last = Device.objects.order_by("pk").last()
    assert last is not None
    check_in(last, actor=COMMAND_LINE)
    for other in Device.objects.exclude(pk__in=(changed.pk, last.pk))[:1]:
        other.delete()
    assert_all_is_found(" ".join(asked))


def test_the_rows_of_a_rare_word_are_known_and_those_of_a_frequent_or_short_one_are_not(monkeypatch):
    keys = [make_device(asset_tag=f"TAG{number}", name="Cart").pk for number in range(3)]
    has = queries.within(*words.DEVICES.fields)
    monkeypatch.setattr(words, "MOST_FOUND", 2)
    assert words.DEVICES.keys("tag1", has) == {keys[1]}
    assert words.DEVICES.keys("gone", has) == set()
    assert words.DEVICES.keys("cart", has) is None
    assert words.DEVICES.keys("ta", has) is None


def test_what_a_migration_lost_of_the_index_comes_back_with_what_it_missed():
    """On PostgreSQL nothing is missed meanwhile: it reads the texts."""
    lost = {
        "sqlite": "DROP TRIGGER inventory_device_words_added",
        "postgresql": "DROP INDEX inventory_device_words",
    }
    with connection.cursor() as cursor:
        cursor.execute(lost[connection.vendor])
    missed = make_device(asset_tag="MISSED")
    assert found("missed") == (set() if connection.vendor == "sqlite" else {missed.pk})
    connection.check_constraints()  # PostgreSQL makes no index while some are pending
    keep_word_indexes("default")
    assert found("missed") == {missed.pk}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="an extension is PostgreSQL's")
def test_where_the_index_may_not_be_made_searches_work_without_and_the_log_says_so(caplog):
    device = make_device(asset_tag="TAG1")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no index is made while some are pending
        cursor.execute("DROP INDEX inventory_device_words")
        cursor.execute("CREATE ROLE somebody")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO somebody")
        cursor.execute("SET LOCAL ROLE somebody")
        keep_word_indexes("default")
        cursor.execute("RESET ROLE")
    assert "Searches of many devices will be slow" in caplog.text
    assert found("tag1") == {device.pk}
    keep_word_indexes("default")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('inventory_device_words') IS NULL")
        assert cursor.fetchone() == (False,)
