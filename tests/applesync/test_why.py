"""*Why?*: each cause there is, reached; on the page, the profile, the command line and through the API."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries, Settings

from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import RunningSimulator
from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role, Viewer
from homeroom.accounts.verbs.tokens import create_token
from homeroom.applesync.commands import apple as apple_command
from homeroom.applesync.commands import why as why_command
from homeroom.applesync.models import AppleDevice, Connection, Replacement, RunChange, RunNote, SyncRun
from homeroom.applesync.queries.why import why
from homeroom.applesync.verbs.connections import deactivate
from homeroom.applesync.verbs.replacements import (
    apply_replacement,
    dismiss_candidate,
    dismiss_replacement,
    undo_replacement,
)
from homeroom.applesync.why.answers import Answer, Cause, Finding, Question
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import receive_back, send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.models import CoverageCheck, InsuranceRecord, Kind
from homeroom.insurance.queries import today
from homeroom.insurance.rules import FailedCheck
from homeroom.insurance.verbs import record_failed_checks
from homeroom.inventory.models import Device, Site
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from tests.applesync.districts import connect, listed, stock, sync, use_apple
from tests.applesync.mirrors import make_connection, make_listed
from tests.applesync.repairs import make_candidate, suggest
from tests.builders import make_device, make_site, make_user
from tests.insurance.records import answered, apple_coverage, make_synced_record

SERIAL, TAG = "DMQX0123AB", "T-0042"
STATE = SyncRun.State


class District:
    """One device that is synced and covered; each situation changes what it is about."""

    def __init__(self) -> None:
        self.connection = make_connection(name="North")
        self.run = self.synced(self.connection)
        self.device = make_device(serial_number=SERIAL, asset_tag=TAG)
        self.row = make_listed(SERIAL, self.connection, device=self.device)
        self.record = make_synced_record(self.device)

    @staticmethod
    def synced(connection: Connection, **values: Any) -> SyncRun:
        now = timezone.now()
        given = {"state": STATE.SUCCEEDED, "started_at": now, "finished_at": now}
        return SyncRun.objects.create(connection=connection, **given | values)

    def of_connection(self, **values: Any) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(**values)

    def of_row(self, **values: Any) -> None:
        AppleDevice.objects.filter(pk=self.row.pk).update(**values)

    def of_device(self, **values: Any) -> None:
        Device.objects.filter(pk=self.device.pk).update(**values)

    def forget_row(self) -> None:
        AppleDevice.objects.all().delete()

    def forget_device(self) -> None:
        self.row.device = None
        self.row.save()
        Device.objects.exclude(pk=self.device.pk).delete()
        self.of_device(serial_number="ANOTHER", asset_tag=None)

    def answered(self, *told: Any, hours: float = 0) -> None:
        answered(self.device, *told, at=timezone.now() + timedelta(hours=hours))

    def another(self, *told: Any, checked: bool = True) -> str:
        """The serial number of a second synced device, of which Apple names these coverages."""
        device = make_device(serial_number="ANOTHER1")
        make_listed("ANOTHER1", self.connection, device=device)
        if checked:
            answered(device, *told)
        return "ANOTHER1"


class Situations:
    """For each cause what leads to it, by its name; the answer is what is asked, if not the serial number."""

    def as_it_should_be(self, district: District) -> None:
        """All that is so of a synced and covered device."""

    in_inventory = connection_works = listed = coverage_sync_on = answered = covered = as_it_should_be
    records_from_apple = as_it_should_be

    def no_serial_number(self, district: District) -> str:
        district.forget_row()
        district.of_device(serial_number=None)
        return TAG

    def of_another_site(self, district: District) -> str:
        raise NotImplementedError("told by a test of its own: it takes another viewer")

    def nearly_in_inventory(self, district: District) -> str:
        return "S" + SERIAL

    def not_in_inventory(self, district: District) -> None:
        district.forget_device()

    def decision_awaited(self, district: District) -> None:
        run = district.synced(district.connection, state=STATE.HELD)
        RunChange.objects.create(
            run=run,
            noun=RunChange.Noun.APPLE_DEVICE,
            action=RunChange.Action.GONE,
            state=RunChange.State.PLANNED,
            serial_number=SERIAL,
            device=district.device,
        )

    def no_connection(self, district: District) -> None:
        district.forget_row()
        district.of_connection(active=False)

    def connection_not_active(self, district: District) -> None:
        deactivate(district.connection, actor=COMMAND_LINE)

    def connection_needs_attention(self, district: District) -> None:
        district.of_connection(problem="Apple refuses the credentials.")

    def of_another_make(self, district: District) -> None:
        district.forget_row()
        district.of_device(product_family="Chromebook", manufacturer="Acer")

    def listed_by_several(self, district: District) -> None:
        make_listed(SERIAL, make_connection(name="South"), added_at=timezone.now() - timedelta(days=9))

    def listed_not_matched_yet(self, district: District) -> None:
        district.of_row(device=None)

    def listed_when_last_synced(self, district: District) -> None:
        deactivate(district.connection, actor=COMMAND_LINE)

    def released(self, district: District) -> None:
        district.of_row(gone_since=timezone.now(), released_at=timezone.now())

    def gone(self, district: District) -> None:
        district.of_row(gone_since=timezone.now())

    def nearly_listed(self, district: District) -> None:
        district.of_row(device=None, serial_number=SERIAL.replace("0", "O"))

    def no_list_yet(self, district: District) -> None:
        district.forget_row()
        SyncRun.objects.all().delete()

    def not_listed(self, district: District) -> None:
        district.forget_row()

    def not_listed_some_unreadable(self, district: District) -> None:
        district.forget_row()
        RunNote.objects.create(
            run=district.run, kind=RunNote.Kind.UNREADABLE, text="$.id is not a usable text."
        )

    def coverage_sync_off(self, district: District) -> None:
        district.of_connection(sync_coverage=False)

    def not_asked_yet(self, district: District) -> None:
        CoverageCheck.objects.all().delete()

    def check_failed(self, district: District) -> None:
        record_failed_checks([FailedCheck(district.device.pk, timezone.now(), "Apple answered nonsense.")])

    def check_overdue(self, district: District) -> None:
        CoverageCheck.objects.update(attempted_at=timezone.now() - timedelta(days=60))

    def not_named_lately(self, district: District) -> None:
        district.answered()

    def coverage_upcoming(self, district: District) -> str:
        return district.another(apple_coverage(starts=today() + timedelta(days=9)))

    def coverage_cancelled(self, district: District) -> None:
        district.answered(apple_coverage(cancelled_on=today()))

    def coverage_ended(self, district: District) -> None:
        district.answered(apple_coverage(ends=today() - timedelta(days=1)))

    def coverage_stopped(self, district: District) -> None:
        district.answered(apple_coverage(status="INACTIVE"))

    def warranty_only(self, district: District) -> str:
        return district.another(apple_coverage("W1", kind=Kind.LIMITED_WARRANTY, plan="Limited Warranty"))

    def no_coverage(self, district: District) -> str:
        return district.another()

    def coverage_unknown(self, district: District) -> str:
        return district.another(checked=False)

    def _sent(self, district: District, **values: Any) -> Incident:
        """Its incident at Apple, shipped some days ago unless told otherwise."""
        ensure_system_statuses(actor=COMMAND_LINE)
        incident = open_incident(district.device, summary="Cracked screen", actor=COMMAND_LINE)
        shipped = {"shipped_on": today() - timedelta(days=5)}
        return send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE, **shipped | values)

    def _suggested(self, district: District) -> Replacement:
        incident = self._sent(district)
        return suggest(make_candidate("NEW1", district.connection), incident)

    def at_apple(self, district: District) -> None:
        self._sent(district)

    replacement_processing_on = no_candidate_yet = at_apple

    def replacement_processing_off(self, district: District) -> None:
        district.of_connection(process_replacements=False)
        self._sent(district)

    def was_at_apple(self, district: District) -> None:
        receive_back(self._sent(district), actor=COMMAND_LINE)

    def not_at_apple(self, district: District) -> None:
        open_incident(district.device, summary="Cracked screen", actor=COMMAND_LINE)
        make_candidate("NEW1", district.connection)

    def replaced(self, district: District) -> None:
        ensure_device_statuses(actor=COMMAND_LINE)
        apply_replacement(self._suggested(district), actor=COMMAND_LINE)

    def candidate_to_review(self, district: District) -> None:
        self._suggested(district)

    def candidate_not_matched_yet(self, district: District) -> None:
        self._sent(district)
        make_candidate("NEW1", district.connection)

    def no_candidate_fits(self, district: District) -> None:
        self._sent(district)
        make_candidate("NEW1", district.connection, product_family="Mac")

    def replacement_dismissed(self, district: District) -> None:
        dismiss_replacement(self._suggested(district), actor=COMMAND_LINE)

    def replacement_undone(self, district: District) -> None:
        ensure_device_statuses(actor=COMMAND_LINE)
        applied = apply_replacement(self._suggested(district), actor=COMMAND_LINE)
        undo_replacement(applied, reason="Of another school", actor=COMMAND_LINE)

    def replaces_one(self, district: District) -> str:
        self.replaced(district)
        return "NEW1"

    def may_replace(self, district: District) -> str:
        self._suggested(district)
        return "NEW1"

    def replaces_none(self, district: District) -> str:
        dismiss_candidate(make_candidate("NEW1", district.connection), actor=COMMAND_LINE)
        return "NEW1"

    def no_incident_fits(self, district: District) -> str:
        make_candidate("NEW1", district.connection)
        return "NEW1"

    def no_records(self, district: District) -> str:
        return district.another()

    def records_by_hand(self, district: District) -> str:
        serial = district.another()
        device = Device.objects.get(serial_number=serial)
        InsuranceRecord.objects.create(device=device, provider="Acme", kind=Kind.OTHER)
        return serial


def asked(text: str, viewer: Viewer = COMMAND_LINE_VIEWER) -> Answer:
    return why(viewer, text)


def finding(answer: Answer, question: Question) -> Finding:
    found = answer.finding(question)
    assert found is not None, answer
    return found


@pytest.fixture
def district(db: None) -> District:
    return District()


@pytest.mark.parametrize("cause", sorted(set(Cause) - {Cause.OF_ANOTHER_SITE}))
def test_every_cause_is_reached_and_told_in_whole_sentences(district: District, cause: Cause) -> None:
    answer = asked(getattr(Situations(), cause.value)(district) or SERIAL)

    found = [finding for finding in answer.findings if finding.cause == cause]
    assert len(found) == 1, [finding.cause for finding in answer.findings]
    assert found[0].sentence.endswith((".", ")")), found[0].sentence
    assert not found[0].fix or found[0].fix.endswith("."), found[0].fix
    assert "%(" not in found[0].sentence + found[0].fix
    assert ".." not in found[0].sentence + found[0].fix
    assert found[0].fix or not found[0].in_the_way, "what is in the way can be done something about"


@pytest.mark.parametrize("cause", sorted(set(Cause) - {Cause.OF_ANOTHER_SITE}))
def test_the_cause_that_is_in_the_way_is_the_conclusion(district: District, cause: Cause) -> None:
    answer = asked(getattr(Situations(), cause.value)(district) or SERIAL)

    in_the_way = [finding for finding in answer.findings if finding.in_the_way]
    worth_knowing = [finding for finding in answer.findings if finding.worth_knowing]
    best = (*in_the_way, *worth_knowing, answer.finding(Question.COVERAGE))
    assert answer.conclusion is best[0]


def test_where_all_is_as_it_should_be_the_conclusion_is_its_coverage(district: District) -> None:
    answer = asked(SERIAL)

    assert [finding.cause for finding in answer.findings] == [
        Cause.IN_INVENTORY,
        Cause.CONNECTION_WORKS,
        Cause.LISTED,
        Cause.COVERAGE_SYNC_ON,
        Cause.ANSWERED,
        Cause.COVERED,
        Cause.RECORDS_FROM_APPLE,
    ]
    assert answer.conclusion.sentence.startswith("AppleCare+ until ")


@pytest.mark.parametrize("text", [SERIAL, SERIAL.lower(), TAG, f"  {TAG} "])
def test_it_is_found_by_serial_number_or_asset_tag(district: District, text: str) -> None:
    answer = asked(text)

    assert (answer.device_id, answer.serial_number, answer.asset_tag) == (district.device.pk, SERIAL, TAG)


def test_a_serial_number_that_nobody_knows_is_answered_too(district: District) -> None:
    answer = asked("NOBODYS")

    assert [finding.cause for finding in answer.findings] == [
        Cause.NOT_IN_INVENTORY,
        Cause.CONNECTION_WORKS,
        Cause.NOT_LISTED,
    ]
    assert (answer.device_id, answer.serial_number) == (None, "NOBODYS")


def test_what_apple_lists_and_the_inventory_has_not_can_be_added_from_there(district: District) -> None:
    district.forget_device()

    link = asked(SERIAL).conclusion.link

    assert link is not None
    assert link.url == f"/reconciliation/in-apple-not-in-inventory/{district.row.pk}/add/"


def test_of_a_device_of_another_site_only_where_it_belongs_is_told(district: District) -> None:
    site = district.device.site
    site.contact_name, site.contact_phone = "Ruth", "555-0199"
    site.save()
    here = make_user(Role.TECHNICIAN, sites=(make_site(),)).viewer()

    for text in (SERIAL, TAG):
        answer = asked(text, here)
        assert [finding.cause for finding in answer.findings] == [Cause.OF_ANOTHER_SITE]
        assert answer.conclusion.sentence == f"It belongs to {site}, a site that you don't see."
        assert answer.conclusion.fix == "Call Ruth, 555-0199."
        assert answer.asset_tag == TAG
    near = asked("S" + SERIAL, here)
    assert near.conclusion.cause == Cause.NOT_IN_INVENTORY


@pytest.mark.parametrize(
    ("name", "phone", "told"),
    [
        ("Ruth", "", "Call Ruth."),
        ("", "555-0199", "Call 555-0199."),
        ("", "", "No contact is entered for this site; ask your administrator."),
    ],
)
def test_it_tells_whom_to_call_as_far_as_that_is_known(
    district: District, name: str, phone: str, told: str
) -> None:
    Site.objects.update(contact_name=name, contact_phone=phone)
    here = make_user(Role.TECHNICIAN, sites=(make_site(),)).viewer()
    assert asked(TAG, here).conclusion.fix == told


def test_a_list_that_came_by_an_applied_preview_counts(district: District) -> None:
    district.forget_row()
    earlier = timezone.now() - timedelta(hours=3)
    preview = district.synced(district.connection, preview=True, state=STATE.SUCCEEDED, started_at=earlier)
    SyncRun.objects.filter(pk=district.run.pk).update(replays=preview)

    found = finding(asked(SERIAL), Question.LISTED)

    assert (found.cause, found.at) == (Cause.NOT_LISTED, earlier)


def test_asking_costs_a_fixed_number_of_queries(
    district: District, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_listed(f"SERIAL{number}", make_connection())
    with django_assert_max_num_queries(9):
        asked(SERIAL)
    with django_assert_max_num_queries(12):
        asked("NOBODYS")


@pytest.mark.django_db(transaction=True)
class TestClassicTroubles:
    """Each from a simulated Apple, with the one cause that applies."""

    @pytest.fixture
    def connected(self, settings: Settings, apple: RunningSimulator) -> Connection:
        use_apple(settings, apple)
        stock(listed(apple)[:10])
        return connect(apple)

    def test_the_test_of_the_connection_fails(self, apple: RunningSimulator, connected: Connection) -> None:
        sync(connected)
        apple.control.revoke_key()
        sync(connected)

        conclusion = asked(listed(apple)[0]).conclusion

        assert conclusion.cause == Cause.CONNECTION_NEEDS_ATTENTION
        assert "Apple refuses" in conclusion.sentence
        assert "Test configuration" in conclusion.fix
        tested = CliRunner().invoke(apple_command, ["test"])
        assert tested.exit_code == 1
        assert "revoked" in tested.stderr

    def test_a_device_is_not_syncing(self, apple: RunningSimulator, connected: Connection) -> None:
        serial = next(serial for serial in listed(apple)[10:] if "0" in serial)
        make_device(serial_number=serial.replace("0", "O"), asset_tag="TAG")
        sync(connected)

        conclusion = asked("TAG").conclusion

        assert conclusion.cause == Cause.NEARLY_LISTED
        assert serial in conclusion.sentence
        assert conclusion.link is not None
        assert conclusion.link.url == f"/reconciliation/near-matches/?{urlencode({'q': serial})}"

    def test_coverage_does_not_appear_as_apple_cannot_be_asked(
        self, apple: RunningSimulator, connected: Connection
    ) -> None:
        apple.control.switch_on(Fault.SERVER_ERROR, kinds=[RequestKind.COVERAGE])
        sync(connected)

        conclusion = asked(listed(apple)[0]).conclusion

        assert conclusion.cause == Cause.CHECK_FAILED

    def test_coverage_does_not_appear_as_its_sync_is_off(
        self, apple: RunningSimulator, connected: Connection
    ) -> None:
        Connection.objects.update(sync_coverage=False)
        sync(connected)

        assert asked(listed(apple)[0]).conclusion.cause == Cause.COVERAGE_SYNC_OFF

    def test_coverage_does_not_appear_as_apple_holds_none(
        self, apple: RunningSimulator, connected: Connection
    ) -> None:
        sync(connected)
        bare = CoverageCheck.objects.filter(device__insurance_records=None).first()
        assert bare is not None

        assert asked(bare.device.serial_number or "").conclusion.cause == Cause.NO_COVERAGE

    def test_a_record_cannot_be_edited(
        self, apple: RunningSimulator, connected: Connection, as_technician: Client
    ) -> None:
        sync(connected)
        record = InsuranceRecord.objects.select_related("device").first()
        assert record is not None

        found = finding(asked(record.device.serial_number or ""), Question.RECORDS)

        assert found.cause == Cause.RECORDS_FROM_APPLE
        assert "corrected at Apple" in found.fix


def test_the_page_answers_and_the_profile_shows_what_is_in_the_way(
    district: District, as_technician: Client
) -> None:
    empty = as_technician.get("/why/").content.decode()
    assert "Ask about one device" in empty
    fine = as_technician.get(district.device.get_absolute_url()).content.decode()
    assert "In the way" not in fine
    assert f"/why/?q={SERIAL}" in fine

    Situations().check_failed(district)

    page = as_technician.get("/why/", {"q": TAG}).content.decode()
    assert "Apple answered nonsense." in page
    assert "In the way" in page
    profile = as_technician.get(district.device.get_absolute_url()).content.decode()
    assert "In the way" in profile
    assert "Apple answered nonsense." in profile


def test_links_to_settings_are_for_those_who_may_open_them(
    district: District, as_technician: Client, as_administrator: Client
) -> None:
    Situations().coverage_sync_off(district)
    address = district.connection.get_absolute_url()

    assert address not in as_technician.get("/why/", {"q": SERIAL}).content.decode()
    assert address in as_administrator.get("/why/", {"q": SERIAL}).content.decode()


def test_viewers_see_neither_page_nor_panel(district: District, as_viewer: Client) -> None:
    Situations().check_failed(district)

    assert as_viewer.get("/why/", {"q": SERIAL}).status_code == 403
    assert "In the way" not in as_viewer.get(district.device.get_absolute_url()).content.decode()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "%", "\u200b", "a" * 300, "a\x00b", "'; --"])
def test_odd_questions_are_answered_on_every_door(
    district: District, as_technician: Client, text: str
) -> None:
    page = as_technician.get("/why/", {"q": text})

    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_the_command_tells_every_question_and_the_conclusion(district: District) -> None:
    Situations().check_failed(district)

    told = CliRunner().invoke(why_command, [TAG])

    assert told.exit_code == 0, told.stderr
    assert "PROBLEM  When was Apple last asked" in told.stdout
    assert told.stdout.strip().endswith("What was known before stands.")


def test_the_command_gives_one_json_document(district: District) -> None:
    told = json.loads(CliRunner().invoke(why_command, [TAG, "--json"]).stdout)

    assert (told["asked"], told["device"]) == (TAG, district.device.pk)
    assert (told["serial_number"], told["asset_tag"]) == (SERIAL, TAG)
    assert told["conclusion"] == next(each for each in told["findings"] if each["question"] == "coverage")
    assert told["conclusion"]["cause"] == "covered"
    assert told["conclusion"]["weight"] == "as_it_should_be"


def test_the_command_knows_wrong_use(db: None) -> None:
    assert CliRunner().invoke(why_command, []).exit_code == 2
    assert CliRunner().invoke(why_command, ["  "]).exit_code == 2
    assert CliRunner().invoke(why_command, ["NOBODYS"]).exit_code == 0


def test_the_api_answers_as_the_command_does(district: District, client: Client) -> None:
    def ask(role: Role, query: str) -> Any:
        user = make_user(role)
        _token, text = create_token(user, name="t", scope=ApiToken.Scope.READ, actor=COMMAND_LINE)
        return client.get(f"/api/v1/why{query}", headers={"Authorization": f"Bearer {text}"})

    answer = ask(Role.TECHNICIAN, f"?q={SERIAL}")

    assert answer.status_code == 200
    told = json.loads(CliRunner().invoke(why_command, [SERIAL, "--json"]).stdout)
    assert answer.json() == told
    assert ask(Role.VIEWER, f"?q={SERIAL}").status_code == 403
    assert ask(Role.TECHNICIAN, "").status_code == 422
    assert ask(Role.TECHNICIAN, "?q=%20").status_code == 422
