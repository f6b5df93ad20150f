"""Every change of an incident in words, with comments and photos at their places."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.timeline import SENTENCES, incident_timeline
from homeroom.incidents.verbs.attachments import attach, remove_attachment
from homeroom.incidents.verbs.incidents import close_incident, comment, open_incident, reopen_incident
from homeroom.incidents.verbs.repairs import (
    correct_shipping_day,
    receive_replacement,
    send_to_apple,
    take_back_replacement,
)
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from tests.builders import make_device
from tests.incidents.pictures import PDF, upload

pytestmark = pytest.mark.django_db


def make_incident() -> Incident:
    return open_incident(make_device(), summary="Cracked screen", actor=COMMAND_LINE)


def changes(incident: Incident) -> dict[str, tuple[str, str]]:
    """Of the latest happening."""
    latest = incident_timeline(incident)[0].happening
    return {change.name: (change.before, change.after) for change in latest.changes}


def test_comments_photos_and_what_was_removed_stand_where_they_came():
    incident = make_incident()
    comment(incident, "Glass taped.", actor=COMMAND_LINE)
    photo, letter = attach(incident, [upload(), upload("Letter.pdf", PDF)], actor=COMMAND_LINE)
    remove_attachment(photo, actor=COMMAND_LINE)

    removed, file_added, photo_added, commented, opened = incident_timeline(incident)

    assert (removed.happening.sentence, removed.removed) == ("Photo removed", "crack.jpg")
    assert file_added.attachment == letter
    assert (photo_added.attachment, photo_added.removed) == (None, "crack.jpg")
    assert commented.comment is not None
    assert commented.comment.text == "Glass taped."
    assert opened.happening.sentence == "Opened"


def test_a_repair_is_told_with_its_days_and_what_was_overridden():
    ensure_system_statuses(actor=COMMAND_LINE)
    with time_machine.travel(datetime(2026, 3, 2, 15, tzinfo=UTC), tick=False):
        incident = send_to_apple(make_incident(), reason="Urgent.", actor=COMMAND_LINE)
        told = changes(incident)
        assert told["Status"] == ("New", "Sent for AppleCare Repair")
        assert told["Sent to Apple"] == ("", "March 2, 2026, 3 p.m.")
        assert told["Shipped on"] == ("", "March 2, 2026")
        assert told["Reason"] == ("", "Urgent.")
        assert "There is no photo" in told["Overridden"][1]
        correct_shipping_day(incident, shipped_on=date(2026, 3, 1), reason="Set late.", actor=COMMAND_LINE)
        assert changes(incident) == {
            "Shipped on": ("March 2, 2026", "March 1, 2026"),
            "Reason": ("", "Set late."),
        }


def test_a_closing_is_told_with_its_outcome_in_words():
    incident = make_incident()
    close_incident(incident, outcome="not_covered", actor=COMMAND_LINE)
    assert changes(incident)["Outcome"] == ("", "Not covered")
    reopen_incident(incident, actor=COMMAND_LINE)
    assert changes(incident)["Outcome"] == ("Not covered", "")


def test_every_action_has_its_sentence():
    ensure_system_statuses(actor=COMMAND_LINE)
    incident = send_to_apple(make_incident(), reason="Tested.", actor=COMMAND_LINE)
    receive_replacement(incident, actor=COMMAND_LINE)
    take_back_replacement(incident, reason="Another one's.", actor=COMMAND_LINE)
    assert {moment.happening.action for moment in incident_timeline(incident)} <= SENTENCES.keys()
