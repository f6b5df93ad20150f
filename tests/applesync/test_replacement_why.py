"""*Why?* of a device at Apple: what keeps it and a new device apart, in the words of the matching."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.applesync.commands import why as command
from homeroom.applesync.models import Connection
from homeroom.applesync.queries.why import why
from homeroom.applesync.verbs.replacements import apply_replacement, dismiss_replacement, pair_replacement
from homeroom.applesync.verbs.telling import tell_replacement
from homeroom.applesync.why.answers import Cause, Finding, Question
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import correct_shipping_day
from homeroom.insurance.queries import today
from tests.applesync.mirrors import make_listed
from tests.applesync.repairs import connected, make_at_apple, make_candidate, suggest
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def connection(db: None) -> Connection:
    return connected(name="North")


def at_apple(connection: Connection, serial: str = "OLD1", *, days: int = 5) -> Incident:
    """Shipped some days ago."""
    incident = make_at_apple(connection, serial_number=serial)
    return correct_shipping_day(
        incident, shipped_on=today() - days * DAY, reason="Tested.", actor=COMMAND_LINE
    )


def asked(serial: str, question: Question = Question.REPLACEMENT) -> Finding:
    finding = why(COMMAND_LINE_VIEWER, serial).finding(question)
    assert finding is not None
    return finding


def test_the_option_is_off(connection):
    at_apple(connection)
    make_candidate("NEW1", connection)
    Connection.objects.update(process_replacements=False)
    finding = asked("OLD1", Question.PROCESSING)
    assert finding.cause == Cause.REPLACEMENT_PROCESSING_OFF
    assert "switched off for “North”" in finding.sentence
    assert why(COMMAND_LINE_VIEWER, "OLD1").conclusion == finding


def test_the_incident_is_not_sent(connection):
    device = make_device(serial_number="OLD1")
    make_listed("OLD1", connection, device=device)
    open_incident(device, summary="Cracked", actor=COMMAND_LINE)
    make_candidate("NEW1", connection)
    finding = asked("OLD1", Question.REPAIR)
    assert (finding.cause, finding.worth_knowing) == (Cause.NOT_AT_APPLE, True)
    assert "is “New”, so no new device is matched with it." in finding.sentence


def test_an_incident_that_has_nothing_to_do_with_apple_is_as_it_should_be(connection):
    device = make_device(serial_number="OLD1")
    make_listed("OLD1", connection, device=device)
    open_incident(device, summary="Lost charger", actor=COMMAND_LINE)
    answer = why(COMMAND_LINE_VIEWER, "OLD1")
    assert not answer.finding(Question.REPAIR).weight
    assert answer.finding(Question.REPLACEMENT) is None


def test_it_was_sent_after_the_new_device_appeared(connection):
    at_apple(connection, days=1)
    make_candidate("NEW1", connection, added_at=timezone.now() - 9 * DAY)
    finding = asked("OLD1")
    assert finding.cause == Cause.NO_CANDIDATE_FITS
    assert "NEW1: It had appeared before the original was shipped." in finding.sentence


def test_the_new_device_is_of_another_family(connection):
    at_apple(connection)
    make_candidate("NEW1", connection, product_family="Mac")
    assert "NEW1: It is of another product family." in asked("OLD1").sentence


def test_the_new_device_replaces_another_one_already(connection):
    at_apple(connection)
    pair_replacement(make_candidate("NEW1", connection), at_apple(connection, "OLD2"), actor=COMMAND_LINE)
    assert "NEW1: It replaces OLD2 already." in asked("OLD1").sentence
    replaced = asked("OLD2")
    assert replaced.cause == Cause.REPLACED
    assert "replaced by NEW1; Command line decided it." in replaced.sentence


def test_what_left_apples_list_as_it_was_replaced_is_as_it_should_be(connection):
    applied = pair_replacement(make_candidate("NEW1", connection), at_apple(connection), actor=COMMAND_LINE)
    original = applied.incident.device.apple_device
    original.gone_since = original.released_at = timezone.now()
    original.save()
    answer = why(COMMAND_LINE_VIEWER, "OLD1")
    assert answer.finding(Question.LISTED).cause == Cause.RELEASED
    assert answer.conclusion.cause == Cause.REPLACED


def test_somebody_dismissed_it(connection):
    incident = at_apple(connection)
    dismiss_replacement(suggest(make_candidate("NEW1", connection), incident), actor=COMMAND_LINE)
    finding = asked("OLD1")
    assert finding.cause == Cause.REPLACEMENT_DISMISSED
    assert "dismissed that NEW1 replaces it" in finding.sentence
    make_candidate("NEW2", connection)
    assert asked("OLD1").cause == Cause.CANDIDATE_NOT_MATCHED_YET


def test_the_device_is_not_in_the_inventory(connection):
    make_listed("OLD1", connection)
    make_candidate("NEW1", connection)
    answer = why(COMMAND_LINE_VIEWER, "OLD1")
    assert answer.conclusion.cause == Cause.NOT_IN_INVENTORY
    assert answer.finding(Question.REPLACEMENT) is None
    new = asked("NEW1", Question.REPLACES)
    assert new.cause == Cause.NO_INCIDENT_FITS


def test_it_waits_for_a_person_and_says_what_is_open(connection):
    suggest(make_candidate("NEW1", connection), at_apple(connection))
    make_candidate("NEW2", connection, product_family="Mac")
    finding = asked("OLD1")
    assert finding.cause == Cause.CANDIDATE_TO_REVIEW
    assert "Perhaps NEW1. The colors differ" in finding.sentence
    assert "NEW2: It is of another product family." in finding.sentence
    assert finding.link.url == "/replacements-to-review/"
    assert "Perhaps: OLD1." in asked("NEW1", Question.REPLACES).sentence


def test_it_is_told_to_replace_another(connection):
    at_apple(connection)
    make_candidate("NEW1", connection)
    tell_replacement(replacement_serial="NEW1", original_serial="OLD9", actor=COMMAND_LINE)
    assert "NEW1: It is told to replace another device." in asked("OLD1").sentence
    tell_replacement(replacement_serial="NEW2", original_serial="OLD1", actor=COMMAND_LINE)
    make_candidate("NEW2", connection, order_number="4711")
    assert "Perhaps NEW2" in asked("OLD1").sentence


def test_what_was_told_by_itself_counts_before_the_device_s_own_row_as_in_the_matching(connection):
    at_apple(connection)
    listed = make_candidate("NEW1", connection)
    listed.device = make_device(serial_number="NEW1", replaces_serial="ANOTHER")
    listed.save()
    assert "told to replace another" in asked("OLD1").sentence
    tell_replacement(replacement_serial="NEW1", original_serial="OLD1", actor=COMMAND_LINE)
    assert asked("OLD1").cause == Cause.CANDIDATE_NOT_MATCHED_YET


def test_nothing_has_come_yet(connection):
    at_apple(connection)
    make_candidate("LONGAGO", connection, added_at=timezone.now() - 400 * DAY)
    finding = asked("OLD1")
    assert finding.cause == Cause.NO_CANDIDATE_YET
    assert finding.link.url == "/replacements/scan/"


def test_a_closed_incident_waits_for_nothing(connection):
    incident = at_apple(connection)
    close_incident(incident, outcome="repaired", actor=COMMAND_LINE)
    make_candidate("NEW1", connection)
    answer = why(COMMAND_LINE_VIEWER, "OLD1")
    assert answer.finding(Question.REPAIR).cause == Cause.WAS_AT_APPLE
    assert answer.finding(Question.REPLACEMENT) is None


def test_of_another_sites_incident_nothing_is_told(connection):
    suggest(make_candidate("NEW1", connection), at_apple(connection))
    here = make_user(Role.TECHNICIAN, sites=(make_site(),)).viewer()
    told = " ".join(each.sentence for each in why(here, "NEW1").findings)
    assert "OLD1" not in told


def test_the_command_and_the_profile_say_the_same(connection, as_technician: Client):
    incident = at_apple(connection)
    suggest(make_candidate("NEW1", connection), incident)
    told = json.loads(CliRunner().invoke(command, ["OLD1", "--json"]).stdout)
    causes = {each["question"]: each["cause"] for each in told["findings"]}
    assert causes["repair"] == "at_apple"
    assert causes["replacement_processing"] == "replacement_processing_on"
    assert causes["replacement"] == told["conclusion"]["cause"] == "candidate_to_review"
    profile = as_technician.get(incident.device.get_absolute_url()).content.decode()
    assert "Perhaps NEW1" in profile


def test_many_orders_cost_a_fixed_number_of_queries(connection, django_assert_max_num_queries):
    at_apple(connection)
    for number in range(15):
        make_candidate(f"NEW{number:02}", connection)
    with django_assert_max_num_queries(18):
        why(COMMAND_LINE_VIEWER, "OLD1")


def test_an_applied_one_is_told_of_both_sides(connection):
    applied = apply_replacement(
        suggest(make_candidate("NEW1", connection), at_apple(connection)), actor=COMMAND_LINE
    )
    assert asked("OLD1").link.url == applied.get_absolute_url()
    assert asked("NEW1", Question.REPLACES).sentence == f"Yes: OLD1, of incident {applied.incident}."
