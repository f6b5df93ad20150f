"""What is away: the preflight of one device, the board, taking units and loaners back, the weekly mail."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.applesync.models import RepairCheck
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.overdue import tell_overdue
from homeroom.incidents.verbs.repairs import correct_shipping_day, receive_back, receive_replacement
from homeroom.incidents.verbs.shipments import ship
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.queries import today
from homeroom.inventory.models import Assignment, Site
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import check_out
from homeroom.notifications.facts import unpacked
from homeroom.notifications.models import Fact, Mail
from tests.applesync.mirrors import make_connection
from tests.builders import make_device, make_person, make_site, make_user
from tests.incidents.repairs import apple_says, box_of, cracked, in_use, lent, ready, sent

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BY_HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def connected() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)


def text(response) -> str:
    return response.content.decode()


def url(name, *args) -> str:
    return reverse(f"incidents:{name}", args=args)


BOARD = "/at-apple/"


def stored(incident) -> Incident:
    return Incident.objects.select_related("status", "device").get(pk=incident.pk)


def away(days: int, **values) -> Incident:
    return sent(make_device(**values), shipped_on=today() - days * DAY)


# Sending one device


def test_the_preflight_tells_each_concern_with_its_fix_and_asks_apple_by_itself(as_technician):
    make_connection()
    device, person = in_use()
    incident = cracked(device)
    page = text(as_technician.get(url("send-to-apple", incident.number)))
    for told in (
        "is not known",
        "There is no photo of the damage.",
        "Take one before the device is packed.",
        f"{person} has no loaner meanwhile.",
        "Apple has not been asked yet",
        'hx-trigger="load"',
        f"/devices/{device.pk}/loaner/?next=",
    ):
        assert told in page

    waiting = text(as_technician.post(url("before-sending", incident.number), headers=BY_HTMX))

    assert "Apple is being asked." in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert RepairCheck.objects.get(device=device).wanted_at is not None


def test_it_says_when_no_worker_takes_up_the_question(as_technician):
    incident = ready()
    apple_says(incident.device, asked_at=None, wanted_at=datetime.now(UTC) - timedelta(seconds=30))
    assert "perhaps none is running" in text(as_technician.get(url("before-sending", incident.number)))


def test_what_is_ready_is_sent_without_a_reason_and_what_is_not_needs_one(as_technician):
    good, bad = ready(), cracked()
    assert "Nothing speaks against sending it." in text(as_technician.get(url("send-to-apple", good.number)))
    values = {"shipped_on": today().isoformat(), "repair_number": "r9"}
    page = text(as_technician.post(url("send-to-apple", good.number), values, follow=True))
    assert "is on its way to Apple" in page
    assert (stored(good).is_at_apple, stored(good).repair_number) == (True, "R9")

    refused = as_technician.post(url("send-to-apple", bad.number), values)
    assert refused.status_code == 422
    assert "Give a reason to send it all the same." in text(refused)
    as_technician.post(url("send-to-apple", bad.number), values | {"reason": "Apple agreed."})
    assert stored(bad).is_at_apple


def test_what_can_not_be_sent_has_no_preflight(as_technician):
    page = text(as_technician.get(url("send-to-apple", sent().number), follow=True))
    assert "is at Apple already" in page


def test_a_unit_in_an_open_box_is_sent_with_it(as_technician):
    incident = ready()
    box = box_of(incident)
    page = text(as_technician.get(url("send-to-apple", incident.number)))
    assert box.get_absolute_url() in page
    assert "Sent for AppleCare Repair</button>" not in page


def test_the_day_is_corrected_with_a_reason(as_technician):
    incident = sent()
    day = (today() - 3 * DAY).isoformat()
    address = url("shipping-day", incident.number)
    assert "This field is required" in text(as_technician.post(address, {"shipped_on": day, "reason": ""}))
    as_technician.post(address, {"shipped_on": day, "reason": "Set late."})
    assert stored(incident).shipped_on == today() - 3 * DAY


# The board


def test_the_board_shows_the_longest_away_first_and_what_is_overdue(as_viewer):
    away(3, asset_tag="T3")
    away(20, asset_tag="T20")
    away(14, asset_tag="T14")
    page = text(as_viewer.get(BOARD))
    assert page.index(">T20</a>") < page.index(">T14</a>") < page.index(">T3</a>")
    assert page.count("Overdue</span>") == 1
    assert "20 days" in page
    assert "Repaired<span" not in page


def test_the_board_is_filtered_searched_and_downloaded_as_shown(as_viewer):
    school = make_site(name="Lincoln")
    first = away(20, asset_tag="T20", site=school)
    box = box_of(cracked(make_device(asset_tag="TB")))
    ship(box, reason="x", actor=COMMAND_LINE)
    for chosen, found, missing in (
        ({"overdue": "true"}, "T20", "TB"),
        ({"site": school.pk}, "T20", "TB"),
        ({"shipment": box.number}, "TB", "T20"),
        ({"q": "T20"}, "T20", "TB"),
        ({"q": first.device.serial_number}, "T20", "TB"),
    ):
        page = text(as_viewer.get(BOARD, chosen))
        assert f">{found}</a>" in page
        assert f">{missing}</a>" not in page
    assert "No unit fits" in text(as_viewer.get(BOARD, {"q": "zzz"}))
    download = as_viewer.get(BOARD, {"format": "json", "overdue": "true"})
    assert b'"asset_tag": "T20"' in b"".join(download.streaming_content)


def test_an_empty_board_says_so(as_viewer):
    assert "Nothing is at Apple" in text(as_viewer.get(BOARD))


def test_a_depots_technician_sees_and_receives_what_is_away_from_every_site():
    depot = make_site(kind=Site.Kind.DEPOT)
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(depot,)))
    incident = away(3, asset_tag="T3")
    assert ">T3</a>" in text(client.get(BOARD))
    values = {"outcome": "repaired", "next": incident.get_absolute_url()}
    answer = client.post(url("receive-back", incident.number), values, follow=True)
    assert "T3 is back" in text(answer)
    assert answer.redirect_chain == [(BOARD, 302)]
    assert stored(incident).outcome == "repaired"


def test_a_technician_of_a_school_sees_their_own():
    here = make_site()
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(here,)))
    away(3, asset_tag="T3")
    away(3, asset_tag="T4", site=here)
    page = text(client.get(BOARD))
    assert ">T4</a>" in page
    assert ">T3</a>" not in page


@pytest.mark.parametrize("rows", [1, 40])
def test_the_board_costs_as_many_queries_for_forty_units_as_for_one(
    as_technician, rows, django_assert_max_num_queries
):
    for _number in range(rows):
        device, person = in_use()
        sent(device)
        lent(person)
        receive_back(sent(make_device()), actor=COMMAND_LINE)
    # Session, user, sites; count, page; sites and shipments to filter by; received back, their loaners.
    with django_assert_max_num_queries(12):
        as_technician.get(BOARD)


# Coming back


@pytest.mark.parametrize("spelling", ["T1", "DMPX1", "dmpx1 "])
def test_a_unit_is_received_by_scanning_it_out_of_the_box(as_technician, spelling):
    incident = away(3, asset_tag="T1", serial_number="DMPX1")
    page = text(as_technician.post(url("receive-scanned"), {"code": spelling}, follow=True))
    assert "T1 is back: Repaired, same serial number" in page
    assert "Received back lately" in page
    assert not stored(incident).is_open


def test_a_scan_of_something_else_receives_nothing(as_technician):
    make_device(asset_tag="HERE")
    for code in ("HERE", "NOSUCH"):
        page = text(as_technician.post(url("receive-scanned"), {"code": code}, follow=True))
        assert f"“{code}” is not the tag or serial number of a device that is at Apple" in page


@pytest.mark.parametrize("outcome", ["returned_unrepaired", "not_covered", "other"])
def test_a_unit_that_came_back_otherwise_takes_one_more_press(as_technician, outcome):
    incident = sent()
    assert f'value="{outcome}"' in text(as_technician.get(url("receive-back", incident.number)))
    as_technician.post(url("receive-back", incident.number), {"outcome": outcome})
    assert stored(incident).outcome == outcome


@pytest.mark.parametrize("outcome", ["replaced", "", "nonsense"])
def test_a_crafted_outcome_is_refused(as_technician, outcome):
    incident = sent()
    page = text(as_technician.post(url("receive-back", incident.number), {"outcome": outcome}, follow=True))
    assert "was not replaced" in page
    assert stored(incident).is_at_apple


def test_a_loaner_that_is_still_out_is_told_of_and_taken_back_in_one_press(as_technician):
    device, person = in_use()
    incident = sent(device)
    loaner = lent(person, asset_tag="LOAN1")
    assert "loaner LOAN1" in text(as_technician.get(BOARD))
    assert "take it back" not in text(as_technician.get(incident.get_absolute_url()))

    page = text(
        as_technician.post(url("receive-back", incident.number), {"outcome": "repaired"}, follow=True)
    )

    assert f"Loaner LOAN1 is still with {person}: take it back." in page
    assert "take it back" in text(as_technician.get(incident.get_absolute_url()))
    values = {"next": BOARD}
    page = text(as_technician.post(reverse("inventory:check-in", args=[loaner.pk]), values, follow=True))
    assert "LOAN1 is back from" in page
    assert "take it back" not in page
    assert open_assignment(loaner) is None


def test_a_loaner_is_told_of_once_the_replacement_is_handed_out(as_technician):
    device, person = in_use()
    incident = sent(device)
    lent(person)
    receive_replacement(incident, actor=COMMAND_LINE)
    assert "take it back" not in text(as_technician.get(incident.get_absolute_url()))
    check_out(make_device(), person, kind=Assignment.Kind.PRIMARY, actor=COMMAND_LINE)
    assert "take it back" in text(as_technician.get(incident.get_absolute_url()))


def test_the_incident_page_offers_what_comes_next(as_technician, as_viewer):
    incident = ready()
    page = incident.get_absolute_url()
    assert url("send-to-apple", incident.number) in text(as_technician.get(page))
    assert url("send-to-apple", incident.number) not in text(as_viewer.get(page))
    box = box_of(incident)
    assert box.get_absolute_url() in text(as_technician.get(page))
    ship(box, actor=COMMAND_LINE)
    shown = text(as_technician.get(page))
    for told in (
        "Received back, repaired",
        "Received back otherwise",
        "Correct the day",
        box.get_absolute_url(),
    ):
        assert told in shown
    assert "Correct the day" not in text(as_viewer.get(page))


# The weekly mail

MONDAY = datetime(2026, 11, 30, 7, 5, tzinfo=UTC)


def told() -> dict[str, set[User]]:
    """Who was told of which devices."""
    return {
        ", ".join(unit["device"] for unit in fact.context["units"]): {
            telling.recipient for telling in fact.tellings.select_related("recipient")
        }
        for fact in Fact.objects.filter(kind="overdue-at-apple")
        if fact.context
    }


def test_once_a_week_each_is_told_what_is_overdue_at_their_sites():
    here, there, depot = make_site(), make_site(), make_site(kind=Site.Kind.DEPOT)
    boss, everywhere = make_user(), make_user(Role.TECHNICIAN)
    local, shipping = make_user(Role.TECHNICIAN, sites=(here,)), make_user(Role.TECHNICIAN, sites=(depot,))
    make_user(Role.TECHNICIAN, sites=(make_site(),))
    make_user(Role.VIEWER)
    with time_machine.travel(MONDAY, tick=False):
        for days, site, tag in ((20, here, "T20"), (30, there, "T30"), (3, here, "T3")):
            incident = sent(make_device(asset_tag=tag, site=site))
            correct_shipping_day(incident, shipped_on=today() - days * DAY, reason="x", actor=COMMAND_LINE)
        assert tell_overdue(now=MONDAY)
        assert not tell_overdue(now=MONDAY + DAY)
    assert told() == {"T30, T20": {boss, everywhere, shipping}, "T20": {local}}
    assert Mail.objects.count() == 4


def test_people_of_many_and_almost_the_same_sites_are_each_told():
    sites = Site.objects.bulk_create(Site(name=f"School {number:03}") for number in range(100))
    *common, first, second = sorted(sites, key=lambda site: site.pk)
    people = {make_user(Role.TECHNICIAN, sites=(*common, site)) for site in (first, second)}
    with time_machine.travel(MONDAY, tick=False):
        incident = sent(make_device(asset_tag="T20", site=common[0]))
        correct_shipping_day(incident, shipped_on=today() - 20 * DAY, reason="x", actor=COMMAND_LINE)
        tell_overdue(now=MONDAY)
    assert {mail.recipient for mail in Mail.objects.all()} == people


def test_the_week_begins_on_monday_at_seven_and_a_turn_that_was_missed_is_made_up_for():
    make_user()
    with time_machine.travel(MONDAY, tick=False):
        correct_shipping_day(sent(), shipped_on=today() - 30 * DAY, reason="x", actor=COMMAND_LINE)
    assert tell_overdue(now=MONDAY - timedelta(hours=1))
    assert not tell_overdue(now=MONDAY - timedelta(minutes=6))
    assert tell_overdue(now=MONDAY + 3 * DAY)
    assert not tell_overdue(now=MONDAY + 6 * DAY)
    assert Mail.objects.count() == 2


def test_nothing_overdue_is_no_mail_and_the_turn_is_taken():
    make_user()
    sent()
    assert tell_overdue(now=datetime.now(UTC))
    assert not tell_overdue(now=datetime.now(UTC))
    assert not Mail.objects.exists()


def test_the_mail_names_each_device_its_site_and_its_days():
    make_user()
    with time_machine.travel(MONDAY, tick=False):
        box = box_of(cracked(make_device(asset_tag="T<1>", site=make_site(name="Lincoln"))))
        ship(box, reason="x", shipped_on=today() - 21 * DAY, actor=COMMAND_LINE)
        tell_overdue(now=MONDAY)
    context = unpacked(next(fact.context for fact in Fact.objects.all() if fact.context))
    context |= {"base_url": "https://homeroom.test", "url": "", "preferences_url": ""}
    subject = render_to_string("incidents/mail/overdue_subject.txt", context)
    assert subject.strip() == "1 device is overdue at Apple"
    plain = render_to_string("incidents/mail/overdue.txt", context)
    assert "T<1>" in plain
    assert f"Lincoln: 21 days, shipment {box}" in plain
    html = render_to_string("incidents/mail/overdue.html", context)
    assert "T&lt;1&gt;" in html
    assert f"https://homeroom.test{Incident.objects.get().get_absolute_url()}" in html


def test_a_person_who_never_had_it_is_told_of_in_no_mail():
    person = make_person(name="Ann Private")
    with time_machine.travel(MONDAY, tick=False):
        device = make_device()
        check_out(device, person, actor=COMMAND_LINE)
        correct_shipping_day(sent(device), shipped_on=today() - 30 * DAY, reason="x", actor=COMMAND_LINE)
        make_user()
        tell_overdue(now=MONDAY)
    assert "Ann Private" not in str([fact.context for fact in Fact.objects.all()])
