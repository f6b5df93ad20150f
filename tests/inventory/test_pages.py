import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.models import Device, DeviceStatus, Person, Site
from homeroom.inventory.verbs.assignments import check_out
from homeroom.inventory.verbs.devices import mark_replaced_by_applecare, update_device
from homeroom.inventory.verbs.statuses import ensure_system_statuses
from tests.builders import make_device, make_person, make_site, make_status, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Site:
    return make_site(name="Lincoln Elementary")


@pytest.fixture
def there() -> Site:
    return make_site(name="Roosevelt High", contact_name="Kim Ortega", contact_phone="555-0100")


@pytest.fixture
def local(here) -> Client:
    """A technician who sees Lincoln Elementary only."""
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(here,)))
    return client


def text(response) -> str:
    return response.content.decode()


def url(name, *args) -> str:
    return reverse(f"inventory:{name}", args=args)


def device_values(device, **values):
    return {
        "asset_tag": device.asset_tag,
        "serial_number": device.serial_number,
        "site": device.site_id,
        "status": device.status_id,
    } | values


def test_a_device_of_another_site_shows_tag_site_and_whom_to_call_and_nothing_else(local, there):
    device = make_device(site=there, asset_tag="T9", serial_number="SECRET1", name="Ann's iPad", notes="Hush")
    check_out(device, make_person(name="Ben Hidden", site=there), actor=COMMAND_LINE)

    page = text(local.get(device.get_absolute_url()))

    for known in ("T9", "Roosevelt High", "Kim Ortega", "555-0100"):
        assert known in page
    for hidden in ("SECRET1", "Ann&#x27;s iPad", "Hush", "Ben Hidden", device.model):
        assert hidden not in page


def test_a_device_that_does_not_exist_is_not_found(local):
    assert local.get(url("device", 999_999)).status_code == 404


@pytest.mark.parametrize("page", ["device-edit", "device-status", "check-out", "transfer", "loaner"])
def test_a_device_of_another_site_is_not_changed_through(local, there, page):
    assert local.get(url(page, make_device(site=there).pk)).status_code == 404


def test_lists_show_only_the_sites_that_the_viewer_sees(local, here, there):
    make_device(site=here, asset_tag="MINE")
    make_device(site=there, asset_tag="THEIRS")
    make_person(site=there, name="Ben Hidden")

    assert "MINE" in text(local.get(url("devices")))
    assert "THEIRS" not in text(local.get(url("devices")))
    assert "Ben Hidden" not in text(local.get(url("people")))
    assert "Roosevelt High" not in text(local.get(url("sites")))


def test_people_and_sites_of_other_sites_are_not_found(local, there):
    assert local.get(url("person", make_person(site=there).pk)).status_code == 404
    assert local.get(url("site", there.pk)).status_code == 404


def test_a_device_is_not_moved_to_a_site_that_the_technician_does_not_see(local, here, there):
    device = make_device(site=here)
    page = local.post(url("device-edit", device.pk), device_values(device, site=there.pk))

    assert "Select a valid choice" in text(page)
    device.refresh_from_db()
    assert device.site == here


def test_a_device_or_person_is_not_created_at_a_site_that_the_technician_does_not_see(local, there):
    status = make_status()
    local.post(url("device-new"), {"asset_tag": "T1", "site": there.pk, "status": status.pk})
    local.post(url("person-new"), {"name": "Ann", "external_id": "1", "kind": "student", "site": there.pk})
    assert not Device.objects.exists()
    assert not Person.objects.exists()


def test_a_device_is_not_given_to_a_person_of_a_site_that_the_technician_does_not_see(local, here, there):
    device = make_device(site=here)
    answer = local.post(
        url("check-out", device.pk), {"kind": "primary", "person": make_person(site=there).pk}
    )
    assert answer.status_code == 404
    assert not device.assignments.exists()


def test_a_viewer_looks_and_never_writes(as_viewer):
    device, person = make_device(), make_person()
    for page in (
        url("devices"),
        url("people"),
        url("sites"),
        device.get_absolute_url(),
        person.get_absolute_url(),
        person.site.get_absolute_url(),
    ):
        assert as_viewer.get(page).status_code == 200
    for page in (
        "device-edit",
        "device-status",
        "device-delete",
        "check-out",
        "check-in",
        "transfer",
        "loaner",
    ):
        assert as_viewer.post(url(page, device.pk)).status_code == 403
    for page in ("device-new", "person-new", "site-new", "device-statuses"):
        assert as_viewer.post(url(page)).status_code == 403
    assert as_viewer.post(url("person-edit", person.pk)).status_code == 403
    assert "Check out" not in text(as_viewer.get(device.get_absolute_url()))


def test_sites_statuses_and_deletion_are_for_administrators(as_technician):
    device = make_device()
    for page in (
        url("device-delete", device.pk),
        url("site-new"),
        url("site-edit", device.site_id),
        url("site-delete", device.site_id),
        url("device-statuses"),
        url("device-status-edit", device.status_id),
        url("device-status-delete", device.status_id),
    ):
        assert as_technician.post(page).status_code == 403


def test_a_technician_adds_a_device_and_the_next_one(as_technician, here):
    values = {"asset_tag": " T1 ", "site": here.pk, "status": make_status().pk, "another": "1"}
    answer = as_technician.post(url("device-new"), values)

    assert answer.url == url("device-new")
    assert Device.objects.get().asset_tag == "T1"


def test_a_form_says_that_tag_or_serial_number_is_needed(as_technician, here):
    page = as_technician.post(url("device-new"), {"site": here.pk, "status": make_status().pk})
    assert "needs an asset tag or a serial number" in text(page)


def test_the_system_status_is_offered_nowhere_and_refused_where_it_is_posted(as_technician):
    ensure_system_statuses(actor=COMMAND_LINE)
    replaced = DeviceStatus.objects.get(system_key__isnull=False)
    device = make_device()

    for page in ("device-edit", "device-status"):
        assert "Replaced by AppleCare" not in text(as_technician.get(url(page, device.pk)))
    as_technician.post(url("device-edit", device.pk), device_values(device, status=replaced.pk))
    page = as_technician.post(url("device-status", device.pk), {"status": replaced.pk}, follow=True)

    assert "set by AppleCare replacement processing alone" in text(page)
    device.refresh_from_db()
    assert device.status.name == "In service"


def test_a_replaced_device_is_edited_and_keeps_its_status(as_technician):
    ensure_system_statuses(actor=COMMAND_LINE)
    device, own = make_device(), make_status()
    mark_replaced_by_applecare(device, actor=COMMAND_LINE)

    as_technician.post(url("device-edit", device.pk), device_values(device, status=own.pk, notes="Box 7"))

    device.refresh_from_db()
    assert (device.notes, device.status.name) == ("Box 7", "Replaced by AppleCare")


def test_a_status_is_set_with_one_press(as_technician):
    device, lost = make_device(), make_status("Lost", kind=DeviceStatus.Kind.LOST)
    as_technician.post(url("device-status", device.pk), {"status": lost.pk})
    device.refresh_from_db()
    assert device.status == lost


@pytest.mark.parametrize("crafted", ["", "x", "²", "999999"])
def test_a_crafted_status_names_nothing(as_technician, crafted):
    answer = as_technician.post(url("device-status", make_device().pk), {"status": crafted})
    assert answer.status_code == 404


def test_the_desk_checks_out_transfers_and_checks_in(as_technician):
    device, ann, ben = make_device(), make_person(name="Ann Smith"), make_person(name="Ben Olsen")

    assert "Ann Smith" in text(as_technician.get(url("check-out", device.pk), {"q": "smi"}))
    as_technician.post(url("check-out", device.pk), {"kind": "loaner", "person": ann.pk})
    page = as_technician.post(url("transfer", device.pk), {"person": ben.pk}, follow=True)
    assert "Ben Olsen" in text(page)
    page = as_technician.post(url("check-in", device.pk), follow=True)

    assert "is back from Ben Olsen" in text(page)
    assert [a.kind for a in device.assignments.order_by("pk")] == ["loaner", "loaner"]


def test_the_desk_gives_a_loaner(as_technician):
    own, spare, ann = make_device(), make_device(asset_tag="SPARE"), make_person()
    check_out(own, ann, actor=COMMAND_LINE)

    assert "SPARE" in text(as_technician.get(url("loaner", own.pk)))
    as_technician.post(url("loaner", own.pk), {"loaner": spare.pk})

    assert spare.assignments.get().person == ann


@pytest.mark.parametrize("page", ["check-out", "transfer"])
def test_a_refusal_of_the_desk_is_told_in_a_sentence(as_technician, page):
    device, ann = make_device(), make_person(name="Ann Smith")
    check_out(device, ann, actor=COMMAND_LINE)
    answer = as_technician.post(url(page, device.pk), {"kind": "primary", "person": ann.pk})
    assert "Ann Smith" in text(answer)
    assert "alert-danger" in text(answer)


def test_people_who_have_left_are_not_offered(as_technician):
    make_person(name="Ann Gone", active=False)
    assert "Ann Gone" not in text(as_technician.get(url("check-out", make_device().pk), {"q": "ann"}))


def test_the_profile_tells_what_happened_in_words(as_technician):
    device = make_device(name="Old name")
    check_out(device, make_person(name="Ann Smith"), actor=COMMAND_LINE)
    update_device(device, actor=COMMAND_LINE, name="New name")

    page = text(as_technician.get(device.get_absolute_url()))

    assert "Checked out to Ann Smith" in page
    assert "<del>Old name</del> → New name" in page


def test_an_administrator_deletes_a_device_entered_by_mistake(as_administrator):
    device = make_device()
    assert "entered by mistake" in text(as_administrator.get(url("device-delete", device.pk)))
    as_administrator.post(url("device-delete", device.pk))
    assert not Device.objects.exists()


def test_deleting_a_device_with_a_history_is_refused_in_a_sentence(as_administrator):
    device = make_device()
    check_out(device, make_person(), actor=COMMAND_LINE)
    assert "Retire it instead" in text(as_administrator.post(url("device-delete", device.pk), follow=True))
    assert Device.objects.exists()


def test_a_person_is_added_and_edited(as_technician, here):
    values = {"name": "Ann", "external_id": "S-1", "kind": "student", "site": here.pk, "active": "on"}
    as_technician.post(url("person-new"), values)
    person = Person.objects.get()
    as_technician.post(url("person-edit", person.pk), values | {"name": "Anna", "active": ""})

    person.refresh_from_db()
    assert (person.name, person.active) == ("Anna", False)


def test_a_person_page_shows_what_they_have_and_had(as_technician):
    person, now = make_person(active=True), make_device(asset_tag="NOW")
    check_out(now, person, actor=COMMAND_LINE)
    Person.objects.filter(pk=person.pk).update(active=False)

    page = text(as_technician.get(person.get_absolute_url()))

    assert "NOW" in page
    assert "still has devices" in page


def test_a_site_page_counts_devices_by_status(as_technician, here):
    make_device(site=here)
    make_device(site=here, status=make_status("Lost", kind=DeviceStatus.Kind.LOST))
    page = text(as_technician.get(here.get_absolute_url()))
    assert "Lost" in page
    assert "0 active people" in page


def test_an_administrator_adds_edits_and_deletes_a_site(as_administrator):
    as_administrator.post(url("site-new"), {"name": "Lincoln", "kind": "school"})
    site = Site.objects.get()
    as_administrator.post(url("site-edit", site.pk), {"name": "Lincoln High", "kind": "school"})
    site.refresh_from_db()
    assert site.name == "Lincoln High"
    as_administrator.post(url("site-delete", site.pk))
    assert not Site.objects.exists()


def test_a_site_with_devices_is_not_deleted(as_administrator, here):
    make_device(site=here)
    page = as_administrator.post(url("site-delete", here.pk), follow=True)
    assert "Move them to another site first" in text(page)


def test_an_administrator_adds_edits_and_deletes_a_device_status(as_administrator):
    as_administrator.post(url("device-statuses"), {"name": "On a cart", "kind": "in_storage"})
    status = DeviceStatus.objects.get(name="On a cart")
    as_administrator.post(url("device-status-edit", status.pk), {"name": "Cart", "kind": "in_service"})
    status.refresh_from_db()
    assert (status.name, status.kind) == ("Cart", "in_service")
    as_administrator.post(url("device-status-delete", status.pk))
    assert not DeviceStatus.objects.filter(pk=status.pk).exists()


def test_the_page_of_statuses_tells_why_a_system_status_stays(as_administrator):
    ensure_system_statuses(actor=COMMAND_LINE)
    replaced = DeviceStatus.objects.get(system_key__isnull=False)

    assert "never renamed or deleted" in text(as_administrator.get(url("device-statuses")))
    page = as_administrator.post(
        url("device-status-edit", replaced.pk), {"name": "Mine", "kind": "in_service"}
    )
    assert "never renamed or deleted" in text(page)
    page = as_administrator.post(url("device-status-delete", replaced.pk), follow=True)
    assert "never renamed or deleted" in text(page)


def test_nobody_sees_a_page_without_signing_in(client):
    device = make_device()
    for page in (url("devices"), device.get_absolute_url(), url("people"), url("sites")):
        assert client.get(page).status_code == 302


@pytest.mark.parametrize(("language", "shown"), [("en", "1,299.50"), ("de", "1.299,50")])
def test_a_cost_is_shown_in_the_districts_currency_as_the_reader_writes_numbers(
    as_viewer: Client, settings: Settings, language: str, shown: str
):
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"currency": "CAD"})
    page = as_viewer.get(make_device(cost="1299.5").get_absolute_url(), headers={"Accept-Language": language})
    assert f"{shown}\u00a0CAD" in page.content.decode()
