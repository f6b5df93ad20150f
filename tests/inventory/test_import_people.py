"""What a people file does."""

from pathlib import Path

import pytest

from homeroom.inventory.models import Person, Site
from tests.builders import make_person, make_site
from tests.inventory.files import bring_in, sentences, write_csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def lincoln() -> Site:
    return make_site(name="Lincoln")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_it_creates_people(file: Path, lincoln: Site):
    header = ("external_id", "name", "email", "kind", "grade", "site", "active")
    rows = (
        ("0007", "Ada Byron", "ada@district.test", "student", "7", "Lincoln", "true"),
        ("T1", "Mr. Babbage", "", "Teacher", "", "Lincoln", "no"),
    )
    bring_in(write_csv(file, header, *rows), "people")
    ada, babbage = Person.objects.order_by("external_id")
    assert (ada.external_id, ada.name, ada.email, ada.kind, ada.grade, ada.active) == (
        "0007",
        "Ada Byron",
        "ada@district.test",
        Person.Kind.STUDENT,
        "7",
        True,
    )
    assert (babbage.kind, babbage.active, babbage.site) == (Person.Kind.STAFF, False, lincoln)


def test_what_is_missing_reads_as_an_active_student(file: Path, lincoln: Site):
    bring_in(write_csv(file, ("external_id", "name"), ("1", "Ada")), "people")
    person = Person.objects.get()
    assert (person.kind, person.active) == (Person.Kind.STUDENT, True)


def test_it_changes_only_what_the_file_brings(file: Path):
    make_person(external_id="1", name="Ada", grade="7", email="ada@district.test")
    tally = bring_in(write_csv(file, ("external_id", "grade"), ("1", "8")), "people")
    person = Person.objects.get()
    assert tally.updated == 1
    assert (person.name, person.grade, person.email) == ("Ada", "8", "ada@district.test")


def test_an_empty_name_is_never_taken_over(file: Path):
    make_person(external_id="1", name="Ada")
    assert bring_in(write_csv(file, ("external_id", "name"), ("1", "")), "people").unchanged == 1


def test_first_and_last_name_make_a_name(file: Path, lincoln: Site):
    bring_in(write_csv(file, ("Student ID", "First Name", "Last Name"), ("1", "Ada", "Byron")), "people")
    assert Person.objects.get().name == "Ada Byron"


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("email", "ada at home", "“ada at home” is not an email address."),
        ("kind", "robot", "“robot” is no kind of person. Write student or staff."),
        ("active", "perhaps", "“perhaps” is neither yes nor no. Write true or false."),
        ("grade", "g" * 21, "The value has 21 characters; at most 20 fit."),
    ],
)
def test_a_bad_value_refuses_the_row(file: Path, lincoln: Site, column: str, value: str, sentence: str):
    tally = bring_in(write_csv(file, ("external_id", "name", column), ("1", "Ada", value)), "people")
    assert sentences(tally) == [(2, column, sentence)]


def test_a_new_person_needs_a_name_and_an_external_id(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, ("external_id", "name"), ("1", ""), ("", "Ada")), "people")
    assert sentences(tally) == [
        (2, "name", "A new person needs a name."),
        (3, "external_id", "The row has no external ID."),
    ]
