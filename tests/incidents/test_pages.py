"""Opening an incident and working on it in the browser."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Attachment, Comment, Incident, IncidentStatus
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import receive_replacement, send_to_apple
from homeroom.incidents.verbs.statuses import default_status, ensure_system_statuses
from homeroom.insurance.models import CoverageCheck, InsuranceRecord
from homeroom.insurance.queries import today
from homeroom.inventory.verbs.assignments import check_in, check_out, swap_for_loaner
from tests.builders import make_device, make_person, make_site, make_user
from tests.incidents.pictures import HEIC, PDF, PROGRAM, upload
from tests.insurance.records import answered

pytestmark = pytest.mark.django_db
NEW = reverse("incidents:new")
FILLED = {"kind": "screen", "summary": "Cracked screen", "known": ""}


def text(response) -> str:
    return response.content.decode()


def new_of(device) -> str:
    return reverse("incidents:new-of-device", args=[device.pk])


def make_incident(**values) -> Incident:
    return open_incident(make_device(**values), summary="Cracked screen", actor=COMMAND_LINE)


def url(name: str, incident: Incident, *more: int) -> str:
    return reverse(f"incidents:{name}", args=[incident.number, *more])


@pytest.mark.parametrize("typed", ["TAG1", "tag1", " SER1 "])
def test_a_scanned_label_leads_straight_to_the_form(as_technician, typed):
    device = make_device(asset_tag="TAG1", serial_number="SER1")
    assert as_technician.get(NEW, {"q": typed}).url == new_of(device)


def test_part_of_a_name_offers_devices_and_nothing_says_so(as_technician):
    device, ann = make_device(asset_tag="TAG1"), make_person(name="Ann Smith")
    check_out(device, ann, actor=COMMAND_LINE)
    page = text(as_technician.get(NEW, {"q": "smith"}))
    assert new_of(device) in page
    assert "Ann Smith" in page
    assert "No device fits" in text(as_technician.get(NEW, {"q": "nothing of the kind"}))
    assert "Scan the label" in text(as_technician.get(NEW))


def test_a_device_of_another_site_is_answered_for_as_the_search_of_devices_does(as_technician):
    device = make_device(asset_tag="T9", site=make_site(name="Roosevelt High", contact_name="Kim Ortega"))
    local = Client()
    local.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    page = text(local.get(NEW, {"q": "T9"}, follow=True))
    assert "Kim Ortega" in page
    assert "What happened?" not in page
    assert local.post(new_of(device), FILLED).url == device.get_absolute_url()
    assert not Incident.objects.exists()


def insured(device, *, until: date | None, plan: str = "AppleCare+ for Schools") -> None:
    InsuranceRecord.objects.create(
        device=device, provider="Apple", plan=plan, kind="applecare", starts=date(2020, 1, 1), ends=until
    )


def test_the_form_says_at_once_who_pays(as_technician):
    device = make_device()
    assert "Apple has not been asked. Do not bill anybody yet." in text(as_technician.get(new_of(device)))
    answered(device)
    assert "No AppleCare, as Apple said on" in text(as_technician.get(new_of(device)))
    insured(device, until=date(2021, 6, 30))
    assert "AppleCare ended on June 30, 2021" in text(as_technician.get(new_of(device)))
    insured(device, until=date(2099, 6, 30))
    page = text(as_technician.get(new_of(device)))
    assert "AppleCare+ for Schools until June 30, 2099: do not bill the family, send it to Apple." in page
    ensure_system_statuses(actor=COMMAND_LINE)
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    assert "send it to Apple." in text(as_technician.get(incident.get_absolute_url()))
    send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE)
    assert "do not bill the family.</strong>" in text(as_technician.get(incident.get_absolute_url()))
    close_incident(incident, outcome="repaired", actor=COMMAND_LINE)
    assert "do not bill" not in text(as_technician.get(incident.get_absolute_url()))


def test_who_pays_is_told_of_a_loss_of_a_failed_check_and_of_other_makes(as_technician):
    device = make_device()
    insured(device, until=None)
    lost = open_incident(device, summary="Gone", kind="lost", actor=COMMAND_LINE)
    page = text(as_technician.get(lost.get_absolute_url()))
    assert "Whether it pays for a loss" in page
    assert "send it to Apple" not in page
    failed = make_device()
    CoverageCheck.objects.create(device=failed, attempted_at="2026-01-01T00:00Z", failure="No.")
    assert "the last check failed" in text(as_technician.get(new_of(failed)))
    other = make_device(product_family="Chromebook", manufacturer="HP")
    InsuranceRecord.objects.create(device=other, provider="Insurer", plan="Damage", kind="other")
    page = text(as_technician.get(new_of(other)))
    assert "AppleCare does not apply" in page
    assert "Also insured: Insurer, Damage." in page


def test_it_is_opened_with_photos_in_one_go(as_technician):
    device, ann = make_device(), make_person(name="Ann Smith")
    check_out(device, ann, actor=COMMAND_LINE)

    answer = as_technician.post(new_of(device), FILLED | {"file": [upload(), upload("Letter.pdf", PDF)]})

    incident = Incident.objects.get()
    assert answer.url == incident.get_absolute_url()
    assert (incident.kind, incident.summary, incident.person) == ("screen", "Cracked screen", ann)
    assert list(incident.attachments.values_list("kind", "name")) == [
        ("photo", "crack.jpg"),
        ("file", "Letter.pdf"),
    ]
    page = text(as_technician.get(incident.get_absolute_url()))
    assert "Ann Smith" in page
    assert "Photo added" in page
    assert "Has no loaner" in page


def files() -> int:
    """How many files are stored for incidents."""
    folder = default_storage.path("incidents")
    return sum(path.is_file() for path in Path(folder).rglob("*"))


@pytest.mark.parametrize(
    ("name", "content", "why"), [("a.heic", HEIC, "Most Compatible"), ("a.jpg", PROGRAM, "is none of JPEG")]
)
def test_a_refused_photo_opens_nothing_and_says_why(as_technician, name, content, why):
    before = files()
    page = text(
        as_technician.post(new_of(make_device()), FILLED | {"file": [upload(), upload(name, content)]})
    )
    assert why in page
    assert "Choose the photos once more." in page
    assert not Incident.objects.exists()
    assert files() == before


def test_an_open_incident_of_the_device_is_told_before_a_second_one(as_technician):
    first = make_incident()
    page = text(as_technician.get(new_of(first.device)))
    assert "An incident of this device is open already." in page
    assert first.get_absolute_url() in page

    page = text(as_technician.post(new_of(first.device), FILLED))
    assert "Somebody else has just opened" in page
    assert Incident.objects.count() == 1
    as_technician.post(new_of(first.device), FILLED | {"known": str(first.number)})
    assert Incident.objects.count() == 2


def test_a_summary_is_needed(as_technician):
    device = make_device()
    assert "This field is required" in text(as_technician.post(new_of(device), FILLED | {"summary": " "}))
    assert not Incident.objects.exists()


def test_taking_commenting_closing_and_opening_again_are_one_press_each(as_technician, technician):
    incident = make_incident()
    page = text(as_technician.get(incident.get_absolute_url()))
    for press in ("Take it", "Add the comment", "Not covered", "Set status"):
        assert press in page
    as_technician.post(url("take", incident))
    as_technician.post(url("comment", incident), {"text": "Ordered a <b>part</b>."})
    as_technician.post(url("close", incident), {"outcome": "not_covered"})
    incident.refresh_from_db()
    assert (incident.technician, incident.outcome, incident.is_open) == (technician, "not_covered", False)
    page = text(as_technician.get(incident.get_absolute_url()))
    assert "Ordered a &lt;b&gt;part&lt;/b&gt;." in page
    assert "Open again" in page
    as_technician.post(url("reopen", incident))
    incident.refresh_from_db()
    assert incident.is_open
    as_technician.post(url("reopen", incident))
    assert Entry.objects.filter(action="incident.status_set").count() == 1


def test_closing_needs_an_outcome_and_a_comment_needs_words(as_technician):
    incident = make_incident()
    for outcome in ("", "burnt"):
        page = text(as_technician.post(url("close", incident), {"outcome": outcome}, follow=True))
        assert "closed with its outcome" in page
    assert "Write something first" in text(
        as_technician.post(url("comment", incident), {"text": " "}, follow=True)
    )
    incident.refresh_from_db()
    assert incident.is_open
    assert not Comment.objects.exists()


def test_a_status_is_set_by_a_press_and_a_closed_one_with_its_outcome(as_technician):
    incident = make_incident()
    progress = IncidentStatus.objects.get(name="In progress")
    assert "In progress" in text(as_technician.get(url("status", incident)))
    as_technician.post(url("status", incident), {"status": progress.pk})
    closed = default_status(is_open=False)
    page = as_technician.post(url("status", incident), {"status": closed.pk}, follow=True)
    assert "closed with its outcome" in text(page)
    as_technician.post(url("status", incident), {"status": closed.pk, "outcome": "repaired"})
    incident.refresh_from_db()
    assert (incident.status, incident.outcome) == (closed, "repaired")
    assert as_technician.post(url("status", incident), {"status": "x"}).status_code == 404


@pytest.mark.parametrize("key", IncidentStatus.SystemKey)
def test_a_system_status_is_neither_offered_nor_taken_by_any_form(as_administrator, key):
    ensure_system_statuses(actor=COMMAND_LINE)
    status = IncidentStatus.objects.get(system_key=key)
    incident = make_incident()
    assert str(status) not in text(as_administrator.get(url("status", incident)))
    page = as_administrator.post(url("status", incident), {"status": status.pk, "outcome": ""}, follow=True)
    assert "is set by" in text(page)
    as_administrator.post(url("edit", incident), {"kind": "screen", "summary": "x", "status": status.pk})
    as_administrator.post(url("close", incident), {"outcome": "replaced", "status": status.pk})
    as_administrator.post(url("reopen", incident), {"status": status.pk})
    as_administrator.post(new_of(make_device()), FILLED | {"status": status.pk})
    assert Incident.objects.count() == 2
    assert not Incident.objects.filter(status=status).exists()


def test_a_replacement_received_is_closed_as_replaced_in_one_press(as_technician):
    ensure_system_statuses(actor=COMMAND_LINE)
    incident = send_to_apple(make_incident(), reason="Tested.", actor=COMMAND_LINE)
    page = text(as_technician.get(incident.get_absolute_url()))
    assert "Shipped on" in page
    assert "0 days out" in page
    receive_replacement(incident, actor=COMMAND_LINE)
    page = text(as_technician.get(incident.get_absolute_url()))
    assert '<button class="btn btn-primary" type="submit" name="outcome" value="replaced">' in page
    as_technician.post(url("close", incident), {"outcome": "replaced"})
    incident.refresh_from_db()
    assert incident.outcome == "replaced"


def test_it_is_edited_and_the_timeline_tells_what_was_there_before(as_technician, technician):
    incident = make_incident()
    values = {
        "kind": "liquid",
        "summary": "Fell into the sink",
        "description": "Twice.",
        "technician": technician.pk,
        "repair_number": "r9",
    }
    as_technician.post(url("edit", incident), values)
    page = text(as_technician.get(incident.get_absolute_url()))
    for told in ("<del>Cracked screen</del> → Fell into the sink", "<del>Hardware</del> → Liquid", "R9"):
        assert told in page
    assert "required" in text(as_technician.post(url("edit", incident), values | {"summary": ""}))


def test_only_those_who_see_the_site_are_offered_as_technicians(as_technician):
    incident = make_incident()
    make_user(Role.TECHNICIAN, name="Here", sites=(incident.device.site,))
    make_user(Role.TECHNICIAN, name="Elsewhere", sites=(make_site(),))
    make_user(Role.VIEWER, name="Onlooker")
    make_user(Role.ADMINISTRATOR, name="Everywhere")
    page = text(as_technician.get(url("edit", incident)))
    assert "Here" in page
    assert "Everywhere" in page
    assert "Elsewhere" not in page
    assert "Onlooker" not in page


def test_the_page_tells_of_the_loaner_and_of_the_devices_other_incidents(as_technician):
    device, loaner, ann = make_device(), make_device(asset_tag="LOAN1"), make_person()
    check_out(device, ann, actor=COMMAND_LINE)
    first = open_incident(device, summary="First time", actor=COMMAND_LINE)
    second = open_incident(device, summary="Second time", actor=COMMAND_LINE)
    swap_for_loaner(device, loaner, actor=COMMAND_LINE)
    page = text(as_technician.get(second.get_absolute_url()))
    assert "LOAN1" in page
    assert "First time" in page
    for where in (device, ann):
        page = text(as_technician.get(where.get_absolute_url()))
        assert first.get_absolute_url() in page
        assert "Second time" in page


def test_a_loaner_is_offered_while_the_person_has_the_device_and_not_in_vain_after_it(as_technician):
    device, ann, bob = make_device(), make_person(), make_person()
    offer = reverse("inventory:loaner", args=[device.pk])
    check_out(device, ann, actor=COMMAND_LINE)
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    assert offer in text(as_technician.get(incident.get_absolute_url()))
    check_in(device, actor=COMMAND_LINE)
    assert offer not in text(as_technician.get(incident.get_absolute_url()))
    check_out(device, bob, actor=COMMAND_LINE)
    assert offer not in text(as_technician.get(incident.get_absolute_url()))


@pytest.mark.parametrize("page", ["new-of-device", "send-to-apple", "device"])
def test_no_dot_stands_for_a_model_that_nobody_typed(as_technician, page):
    incident = make_incident(model="", product_family="")
    address = {
        "new-of-device": new_of(incident.device),
        "send-to-apple": url("send-to-apple", incident),
        "device": incident.device.get_absolute_url(),
    }[page]
    shown = text(as_technician.get(address))
    assert "·  ·" not in shown
    assert not re.search(r">\s*· (<a|School)", shown)


def test_the_profile_tells_open_ones_first_and_offers_to_report_one(as_technician, as_viewer):
    first = make_incident()
    second = open_incident(first.device, summary="Done with", actor=COMMAND_LINE)
    close_incident(second, outcome="other", actor=COMMAND_LINE)
    page = text(as_technician.get(first.device.get_absolute_url()))
    assert page.index("Cracked screen") < page.index("Done with")
    assert page.count(new_of(first.device)) == 1
    assert "ProfileAction" not in page
    assert new_of(first.device) not in text(as_viewer.get(first.device.get_absolute_url()))


def test_the_list_of_devices_shows_and_filters_open_incidents(as_viewer):
    incident, fine = make_incident(asset_tag="BROKEN"), make_device(asset_tag="FINE")
    page = text(as_viewer.get("/devices/", {"open_incident": "true"}))
    assert f'href="{incident.get_absolute_url()}"' in page
    assert "FINE" not in page
    assert "BROKEN" not in text(as_viewer.get("/devices/", {"open_incident": "false"}))
    assert fine.asset_tag in text(as_viewer.get("/devices/"))


def test_a_viewer_reads_and_changes_nothing(as_viewer):
    incident = make_incident()
    page = text(as_viewer.get(incident.get_absolute_url()))
    assert "Cracked screen" in page
    for press in ("Take it", "Add the comment", "Set status", "Edit"):
        assert press not in page
    assert as_viewer.post(url("comment", incident), {"text": "x"}).status_code == 403


def test_an_incident_costs_few_queries_however_much_is_on_it(as_technician, django_assert_max_num_queries):
    incident = make_incident()
    for number in range(5):
        as_technician.post(url("comment", incident), {"text": f"Comment {number}"})
    as_technician.post(url("attach", incident), {"file": [upload(), upload(), upload("a.pdf", PDF)]})
    with django_assert_max_num_queries(15):
        as_technician.get(incident.get_absolute_url())
    assert Attachment.objects.count() == 3


def test_an_overdue_one_says_so(as_technician):
    ensure_system_statuses(actor=COMMAND_LINE)
    shipped = today() - timedelta(days=20)
    incident = send_to_apple(make_incident(), reason="Tested.", shipped_on=shipped, actor=COMMAND_LINE)
    assert "Overdue" in text(as_technician.get(incident.get_absolute_url()))
