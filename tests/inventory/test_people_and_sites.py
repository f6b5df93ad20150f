import pytest

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import Site
from homeroom.inventory.verbs.assignments import check_out
from homeroom.inventory.verbs.people import create_person, deactivate, update_person
from homeroom.inventory.verbs.sites import create_site, delete_site, update_site
from homeroom.web.errors import Refused
from tests.builders import make_device, make_person, make_site, make_user

pytestmark = pytest.mark.django_db


def test_the_audit_trail_keeps_name_and_email_apart():
    create_person(
        actor=COMMAND_LINE,
        external_id=" S-1 ",
        name="Ann Smith",
        email="ann@school.test",
        site=make_site(name="Lincoln"),
    )
    entry = Entry.objects.get(action="person.created")
    assert entry.object_label == "S-1"
    assert entry.after == {
        "external_id": "S-1",
        "kind": "student",
        "grade": "",
        "site": "Lincoln",
        "active": True,
    }
    assert entry.personal.after == {"name": "Ann Smith", "email": "ann@school.test"}


def test_a_change_of_the_name_alone_is_recorded_too():
    update_person(make_person(name="Ann Smith"), actor=COMMAND_LINE, name="Ann Jones")
    entry = Entry.objects.get(action="person.updated")
    assert (entry.before, entry.after) == ({}, {})
    assert (entry.personal.before, entry.personal.after) == ({"name": "Ann Smith"}, {"name": "Ann Jones"})


def test_an_external_id_belongs_to_one_person():
    make_person(external_id="S-1")
    with pytest.raises(Refused) as refusal:
        create_person(actor=COMMAND_LINE, external_id="S-1", name="Ben", site=make_site())
    assert refusal.value.field == "external_id"


def test_somebody_who_has_left_keeps_what_they_hold_until_it_is_checked_in():
    person, device = make_person(), make_device()
    check_out(device, person, actor=COMMAND_LINE)

    deactivate(person, actor=COMMAND_LINE)

    person.refresh_from_db()
    assert not person.active
    assert device.assignments.get().ended_at is None


def test_a_site_is_created_changed_and_deleted():
    site = create_site(actor=COMMAND_LINE, name="Lincoln", contact_name="Kim")
    update_site(site, actor=COMMAND_LINE, name="Lincoln High")
    assert Entry.objects.get(action="site.updated").after == {"name": "Lincoln High"}

    delete_site(site, actor=COMMAND_LINE)
    assert not Site.objects.exists()


@pytest.mark.parametrize("make", [make_device, make_person], ids=["devices", "people"])
def test_a_site_is_not_deleted_while_it_has(make):
    site = make_site()
    make(site=site)
    with pytest.raises(Refused, match="Move them"):
        delete_site(site, actor=COMMAND_LINE)


def test_a_site_is_not_deleted_while_a_user_is_limited_to_it_since_that_would_open_every_site():
    site = make_site()
    make_user(Role.TECHNICIAN, sites=(site,))
    with pytest.raises(Refused, match="Users are limited"):
        delete_site(site, actor=COMMAND_LINE)
