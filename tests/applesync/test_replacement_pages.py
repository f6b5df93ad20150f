"""Reviewing replacements and following their history in the browser."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from homeroom.accounts.policy import Role
from homeroom.applesync.models import Connection, Replacement, SyncRun
from homeroom.applesync.replacements.evidence import Evidence, Kind
from homeroom.applesync.replacements.words import sentence
from homeroom.applesync.verbs.replacements import (
    apply_replacement,
    dismiss_candidate,
    pair_replacement,
    undo_replacement,
)
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.inventory import queries as inventory
from homeroom.inventory.models import Site
from tests.applesync.mirrors import make_connection
from tests.applesync.repairs import connected, make_at_apple, make_candidate, suggest
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
State = Replacement.State
REVIEW, WITHOUT, HISTORY = (
    reverse(f"applesync:{name}")
    for name in ("replacements-to-review", "replacements-without-incident", "replacements")
)


def text(response) -> str:
    return response.content.decode()


def of_site(*sites: Site, role: Role = Role.TECHNICIAN) -> Client:
    client = Client()
    client.force_login(make_user(role, sites=sites))
    return client


@pytest.fixture
def connection(db: None) -> Connection:
    return connected(name="North")


def pairing(connection: Connection, new: str = "NEW1", **values: object) -> Replacement:
    return suggest(make_candidate(new, connection), make_at_apple(connection, **values))


def batch(connection: Connection, number: int) -> list[Replacement]:
    """A box to Apple, and as many new devices, each with every incident of the box suggested."""
    box = Shipment.objects.create(opened_by="Tess", opened_by_id="user:1")
    incidents = [make_at_apple(connection, shipment=box) for _ in range(number)]
    best = []
    for place in range(number):
        candidate = make_candidate(f"NEW{place:02}", connection)
        in_order = [*incidents[place:], *incidents[:place]]
        rows = [suggest(candidate, incident, rank=rank) for rank, incident in enumerate(in_order[:5])]
        best.append(rows[0])
    return best


def test_a_suggestion_shows_its_evidence_and_both_devices_side_by_side(as_technician, connection):
    shown = pairing(connection, serial_number="OLD1", asset_tag="T1")
    shown.incident.repair_number = "R999"
    shown.incident.save()

    page = text(as_technician.get(REVIEW))

    for words in (
        "NEW1",
        "OLD1",
        "T1",
        str(shown.incident.person),
        str(shown.incident.device.site),
        "RNEW1",
        "R999",
        "iPad (10th generation)",
        "64GB",
        "Silver",
        "The colors differ: Silver was sent, Blue appeared.",
        "Apple still lists the original, OLD1.",
    ):
        assert words in page, words


def test_what_fell_within_an_hour_is_told_so():
    at = timezone.now()
    left = sentence(Evidence(Kind.LEFT_ABOUT_THEN, at=at, hours=0))
    assert left.endswith(", as the new one appeared.")
    assert "at about the same time" in sentence(Evidence(Kind.LEFT_ABOUT_THEN, at=at, hours=-3))
    appeared = sentence(Evidence(Kind.APPEARED_AFTER_SHIPPED, at=at, hours=0))
    assert appeared.endswith("less than an hour after the original was shipped.")


def test_a_sync_leads_to_what_it_found_to_review(as_administrator, connection):
    run = SyncRun.objects.create(
        connection=connection, state=SyncRun.State.SUCCEEDED, replacements_to_review=6, requested_by="Ada"
    )
    assert f'btn-primary" href="{REVIEW}"' in text(as_administrator.get(run.get_absolute_url()))
    run = SyncRun.objects.create(connection=connection, state=SyncRun.State.SUCCEEDED, requested_by="Ada")
    assert f'btn-primary" href="{REVIEW}"' not in text(as_administrator.get(run.get_absolute_url()))


def test_the_menu_counts_the_new_devices_that_wait(as_technician, as_viewer, connection):
    best = batch(connection, 3)
    page = text(as_technician.get("/devices/"))
    assert "3<span" in page
    apply_replacement(best[0], actor=COMMAND_LINE)
    assert "2<span" in text(as_technician.get("/devices/"))
    assert "Replacements to review" not in text(as_viewer.get("/devices/"))


def test_each_new_device_is_there_once_with_its_best_pairing(as_technician, connection):
    best = batch(connection, 4)
    page = as_technician.get(REVIEW)
    (only,) = page.context["batches"]
    assert [card.pairing for card in only.cards] == best
    assert [card.others for card in only.cards] == [3, 3, 3, 3]
    assert "Shipment #" in text(page)
    assert "Another incident (3 more suggested)" in text(page)


def test_one_is_confirmed_and_leads_to_what_is_left(as_technician, connection):
    shown = pairing(connection)
    page = as_technician.post(reverse("applesync:confirm-replacement", args=[shown.pk]), follow=True)
    assert page.redirect_chain[-1][0] == shown.get_absolute_url()
    assert "is applied" in text(page)
    assert "Close incident" in text(page)
    shown.refresh_from_db()
    assert shown.state == State.APPLIED


def test_the_whole_assignment_of_a_batch_is_confirmed_in_one_press(as_technician, connection):
    best = batch(connection, 10)
    sent = {"all": "1", "shown": [each.pk for each in best]}
    page = text(as_technician.post(reverse("applesync:confirm-replacements"), sent, follow=True))
    assert "10 replacements applied." in page
    assert "Nothing to review" in page
    assert Replacement.objects.filter(state=State.APPLIED).count() == 10
    assert {each.incident_id for each in Replacement.objects.all()} == {each.incident_id for each in best}


def test_only_the_chosen_are_confirmed(as_technician, connection):
    best = batch(connection, 3)
    sent = {"shown": [each.pk for each in best], "chosen": [best[1].pk]}
    as_technician.post(reverse("applesync:confirm-replacements"), sent)
    assert Replacement.objects.get(state=State.APPLIED) == best[1]
    nothing = as_technician.post(reverse("applesync:confirm-replacements"), {"chosen": "x"}, follow=True)
    assert "None was chosen" in text(nothing)


def test_what_somebody_decided_meanwhile_is_told_and_the_rest_is_done(as_technician, connection):
    best = batch(connection, 4)
    sent = {"all": "1", "shown": [each.pk for each in best]}
    pair_replacement(best[0].apple_device, best[1].incident, actor=COMMAND_LINE)
    close_incident(best[2].incident, outcome="repaired", actor=COMMAND_LINE)

    page = text(as_technician.post(reverse("applesync:confirm-replacements"), sent, follow=True))

    assert "1 replacement applied." in page
    assert "2 of the suggestions are gone" in page
    assert "is not at Apple" in page
    applied = Replacement.objects.filter(state=State.APPLIED)
    assert {each.replacement_serial for each in applied} == {"NEW00", "NEW03"}


def test_a_suggestion_that_is_gone_is_told_so(as_technician, connection):
    shown = pairing(connection)
    address = reverse("applesync:confirm-replacement", args=[shown.pk])
    shown.delete()
    assert "1 of the suggestions is gone" in text(as_technician.post(address, follow=True))


def test_another_incident_is_searched_and_chosen(as_technician, connection):
    shown = pairing(connection)
    other = make_at_apple(connection, serial_number="OTHER1")
    elsewhere = make_at_apple(make_connection(name="South"), serial_number="SOUTH1")
    address = reverse("applesync:replacement-candidate", args=[shown.apple_device_id])

    page = as_technician.get(address)
    assert {each.number for each in page.context["answers"]} == {shown.incident_id, other.number}
    found = as_technician.get(address, {"q": "other1"})
    assert [each.number for each in found.context["answers"]] == [other.number]
    by_number = as_technician.get(address, {"q": f"#{other.number}"})
    assert other.number in [each.number for each in by_number.context["answers"]]

    refused = as_technician.post(f"{address}pair/", {"incident": elsewhere.number}, follow=True)
    assert "not at Apple any more" in text(refused)
    as_technician.post(f"{address}pair/", {"incident": other.number})
    assert Replacement.objects.get().incident == other
    assert as_technician.get(address).url == Replacement.objects.get().get_absolute_url()


def test_a_pairing_is_dismissed_with_a_reason_and_may_be_applied_after_all(as_technician, connection):
    shown = pairing(connection)
    address = reverse("applesync:dismiss-replacement", args=[shown.pk])
    as_technician.post(address, {"reason": "Another box"})
    shown.refresh_from_db()
    assert (shown.state, shown.reason) == (State.DISMISSED, "Another box")
    assert "Only a suggestion can be dismissed" in text(as_technician.post(address, follow=True))
    assert "Apply it after all" in text(as_technician.get(shown.get_absolute_url()))


def test_a_device_that_is_not_ours_leaves_the_review(as_technician, connection):
    best = batch(connection, 2)
    address = reverse("applesync:not-ours", args=[best[0].apple_device_id])
    page = as_technician.post(address, {"reason": "Bought"}, follow=True)
    assert "replaces none of ours" in text(page)
    assert [card.pairing for each in page.context["batches"] for card in each.cards] == [best[1]]
    row = Replacement.objects.get(incident=None)
    assert "It replaces none of ours." in text(as_technician.get(row.get_absolute_url()))
    assert "Pair it after all" in text(as_technician.get(row.get_absolute_url()))


def test_new_devices_that_fit_no_incident_are_listed_apart(as_technician, connection):
    shown = pairing(connection)
    alone = make_candidate("ALONE1", connection)
    make_candidate("BEFORE1", connection, added_at=connection.created_at - timedelta(days=90))
    make_candidate("OTHER1", connection, order_number="4711")
    make_device(serial_number=make_candidate("OURS1", connection).serial_number)
    make_candidate("GONE1", connection, gone_since=timezone.now())
    dismiss_candidate(make_candidate("NOTOURS1", connection), actor=COMMAND_LINE)
    make_candidate("OFF1", make_connection(process_replacements=False))

    page = as_technician.get(WITHOUT)

    assert list(page.context["page"].object_list) == [alone]
    assert shown.replacement_serial not in text(page)
    done = as_technician.post(reverse("applesync:not-ours-many"), {"chosen": alone.pk}, follow=True)
    assert "1 is not ours." in text(done)
    assert "Nothing here" in text(done)


def test_a_dismissed_candidate_may_fit_no_incident_then(as_technician, connection):
    shown = pairing(connection)
    as_technician.post(reverse("applesync:dismiss-replacement", args=[shown.pk]))
    assert shown.replacement_serial in text(as_technician.get(WITHOUT))


def test_without_a_connection_that_processes_them_the_page_says_so(as_administrator):
    page = text(as_administrator.get(REVIEW))
    assert "Replacement processing is off" in page
    assert "MDM Settings" in page


def test_of_another_site_nothing_is_seen_or_decided(connection):
    shown = pairing(connection, serial_number="OLD1")
    client = of_site(make_site())
    assert "OLD1" not in text(client.get(REVIEW))
    assert client.get(shown.get_absolute_url()).status_code == 404
    client.post(reverse("applesync:confirm-replacement", args=[shown.pk]))
    client.post(reverse("applesync:confirm-replacements"), {"chosen": shown.pk})
    shown.refresh_from_db()
    assert shown.state == State.SUGGESTED
    page = client.get(reverse("applesync:replacement-candidate", args=[shown.apple_device_id]))
    assert (page.context["cards"], page.context["answers"]) == ([], [])
    apply_replacement(shown, actor=COMMAND_LINE)
    told = text(client.get(reverse("applesync:replacement-candidate", args=[shown.apple_device_id])))
    assert "a site that you don" in told
    assert "OLD1" not in told


def test_what_may_be_another_sites_is_not_called_nobodys(connection):
    shown = pairing(connection, serial_number="OLD1")
    here = make_site()
    suggest(shown.apple_device, make_at_apple(connection, site=here), rank=1)
    client = of_site(here)
    page = client.get(reverse("applesync:replacement-candidate", args=[shown.apple_device_id]))
    assert "a site that you don" in text(page)
    assert "It replaces none of ours" not in text(page)
    answer = client.post(reverse("applesync:not-ours", args=[shown.apple_device_id]), follow=True)
    assert "somebody who does decides that" in text(answer)
    assert Replacement.objects.filter(state=State.SUGGESTED).count() == 2


def test_a_depot_sees_what_it_shipped_and_receives_it(connection):
    shown = pairing(connection, serial_number="OLD1")
    client = of_site(make_site(kind=Site.Kind.DEPOT))
    assert "OLD1" in text(client.get(REVIEW))
    client.post(reverse("applesync:confirm-replacement", args=[shown.pk]))
    page = client.get(reverse("applesync:receive-replacement", args=[shown.pk]))
    assert str(shown.incident.device.site) in text(page)


def test_the_review_costs_a_fixed_number_of_queries(as_technician, connection, django_assert_num_queries):
    batch(connection, 2)
    with django_assert_num_queries(10) as few:
        as_technician.get(REVIEW)
    batch_of = Incident.objects.count()
    for number in range(8):
        suggest(make_candidate(f"MORE{number}", connection), make_at_apple(connection))
    assert Incident.objects.count() > batch_of
    with django_assert_num_queries(len(few)):
        as_technician.get(REVIEW)


@pytest.mark.parametrize("few", [0, 1_000])
def test_the_history_is_searched_by_any_part_of_a_tag(as_viewer, connection, monkeypatch, few):
    """By the index of words, or where too many devices have it, in the history itself."""
    monkeypatch.setattr(inventory, "FEW_KEYS", few)
    pairing(connection, "NEW1", serial_number="OLD1", asset_tag="CART-0017")
    pairing(connection, "NEW2", serial_number="OLD2", asset_tag="CART-0018")

    def found(word: str) -> set[str]:
        return {
            row.record.replacement_serial for row in as_viewer.get(HISTORY, {"q": word}).context["table"].rows
        }

    assert found("rt-0017") == {"NEW1"}
    assert found("cart") == {"NEW1", "NEW2"}


def test_the_history_is_searched_filtered_sorted_and_downloaded(as_viewer, connection):
    first = pairing(connection, "NEW1", serial_number="OLD1", asset_tag="T1")
    apply_replacement(first, actor=COMMAND_LINE)
    pairing(connection, "NEW2", serial_number="OLD2", asset_tag="T2")

    def shown(**query: object) -> list[str]:
        page = as_viewer.get(HISTORY, query)
        assert page.status_code == 200
        return [row.record.replacement_serial for row in page.context["table"].rows]

    assert shown(sort="replacement_serial") == ["NEW1", "NEW2"]
    assert shown(sort="-replacement_serial") == ["NEW2", "NEW1"]
    assert shown(state="applied") == ["NEW1"]
    assert (
        shown(q="t1") == shown(q="old1") == shown(q="RNEW1") == shown(q=f"#{first.incident_id}") == ["NEW1"]
    )
    assert shown(site=first.incident.device.site_id, connection=connection.pk) == ["NEW1"]
    assert "No replacement fits" in text(as_viewer.get(HISTORY, {"q": "zzz"}))
    answer = as_viewer.get(HISTORY, {"format": "csv", "state": "applied"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert list(row) == [
        "original_serial",
        "replacement_serial",
        "order_number",
        "incident",
        "state",
        "detected_at",
        "applied_at",
        "decided_by",
        "evidence",
    ]
    assert (row["original_serial"], row["incident"], row["state"]) == (
        "OLD1",
        str(first.incident_id),
        "applied",
    )
    assert "The colors differ" in row["evidence"]
    assert row["applied_at"].endswith("Z")


def test_the_history_costs_a_fixed_number_of_queries(as_viewer, connection, django_assert_num_queries):
    pairing(connection)
    with django_assert_num_queries(7) as few:
        as_viewer.get(HISTORY)
    for number in range(9):
        pairing(connection, f"MORE{number}")
    with django_assert_num_queries(len(few)):
        as_viewer.get(HISTORY)


def test_an_administrator_undoes_with_a_reason_and_nobody_else(as_administrator, as_technician, connection):
    applied = apply_replacement(pairing(connection), actor=COMMAND_LINE)
    address = reverse("applesync:undo-replacement", args=[applied.pk])
    assert as_technician.post(address, {"reason": "No"}).status_code == 403
    assert "Undo" not in text(as_technician.get(applied.get_absolute_url()))
    assert "This field is required" in text(as_administrator.post(address, {"reason": " "}))
    page = text(as_administrator.post(address, {"reason": "Of another school"}, follow=True))
    assert "is undone" in page
    assert "Of another school" in page
    applied.refresh_from_db()
    assert applied.state == State.UNDONE


def test_the_page_of_one_tells_what_happened(as_administrator, connection):
    applied = apply_replacement(pairing(connection), actor=COMMAND_LINE)
    undo_replacement(applied, reason="Of another school", actor=COMMAND_LINE)
    page = text(as_administrator.get(applied.get_absolute_url()))
    assert page.index("Undone") < page.index("Detected")
    assert "Command line" in page


def test_profiles_link_both_ways_and_follow_the_chain(as_technician, connection):
    first = apply_replacement(pairing(connection, "NEW1", serial_number="OLD1"), actor=COMMAND_LINE)
    new = make_device(serial_number="NEW1", site=first.incident.device.site)
    first.apple_device.device = new
    first.apple_device.save()
    again = send_to_apple(
        open_incident(new, summary="Again", actor=COMMAND_LINE), reason="Tested.", actor=COMMAND_LINE
    )
    pair_replacement(make_candidate("NEW2", connection), again, actor=COMMAND_LINE)

    original = text(as_technician.get(first.incident.device.get_absolute_url()))
    between = text(as_technician.get(new.get_absolute_url()))

    assert "Replaced by" in original
    assert new.get_absolute_url() in original
    assert "NEW2" in original
    assert "Replaces" in between
    assert "Replaced by" in between
    assert first.incident.device.get_absolute_url() in between
    assert "AppleCare replacement" not in text(as_technician.get(make_device().get_absolute_url()))


def test_the_incident_shows_what_may_replace_its_device_and_then_what_did(as_technician, connection):
    shown = pairing(connection)
    address = shown.incident.get_absolute_url()
    assert "1 new device may replace it" in text(as_technician.get(address))
    apply_replacement(shown, actor=COMMAND_LINE)
    page = text(as_technician.get(address))
    assert "Add it to the inventory, with its asset tag" in page
    receive = reverse("applesync:receive-replacement", args=[shown.pk])
    assert receive in page
    assert page.index(receive) < page.index("Close: how did it end?"), "what comes next stands first"


def test_a_new_device_that_is_scanned_at_the_board_is_received_as_a_replacement(as_technician, connection):
    shown = apply_replacement(pairing(connection), actor=COMMAND_LINE)
    page = as_technician.post(reverse("incidents:receive-scanned"), {"code": "NEW1"}, follow=True)
    assert page.redirect_chain[-1][0] == reverse("applesync:receive-replacement", args=[shown.pk])
