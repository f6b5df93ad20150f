import pytest

from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import IncidentStatus
from homeroom.incidents.verbs.statuses import (
    create_status,
    delete_status,
    ensure_system_statuses,
    rename_status,
)
from homeroom.inventory.system_statuses import SystemStatusIsFixed

pytestmark = pytest.mark.django_db


def test_the_integration_brings_its_two_statuses_once():
    for _time in range(2):
        ensure_system_statuses(actor=COMMAND_LINE)

    names = IncidentStatus.objects.filter(system_key__isnull=False).values_list("name", "is_open")
    assert list(names) == [("AppleCare Replacement Received", True), ("Sent for AppleCare Repair", True)]


def test_a_status_of_the_district_with_the_same_name_makes_room():
    create_status(name="Sent for AppleCare repair", is_open=True, actor=COMMAND_LINE)

    ensure_system_statuses(actor=COMMAND_LINE)

    assert IncidentStatus.objects.get(name="Sent for AppleCare Repair").is_system
    assert not IncidentStatus.objects.get(name="Sent for AppleCare Repair (own)").is_system


@pytest.mark.parametrize(
    "attempt",
    [
        lambda status: rename_status(status, name="Gone", actor=COMMAND_LINE),
        lambda status: delete_status(status, actor=COMMAND_LINE),
        lambda status: status.save(),
        lambda status: status.delete(),
        lambda status: IncidentStatus.objects.update(is_open=False),
        lambda status: IncidentStatus.objects.all().delete(),
    ],
    ids=["rename", "delete by verb", "save", "delete", "bulk update", "bulk delete"],
)
def test_a_system_status_refuses(attempt):
    ensure_system_statuses(actor=COMMAND_LINE)
    with pytest.raises(SystemStatusIsFixed):
        attempt(IncidentStatus.objects.filter(system_key__isnull=False).first())
    assert IncidentStatus.objects.filter(system_key__isnull=False, is_open=True).count() == 2


def test_an_administrator_adds_edits_and_deletes_a_status(as_administrator):
    as_administrator.post("/settings/incident-statuses/", {"name": "Waiting for parts", "is_open": "on"})
    status = IncidentStatus.objects.get(name="Waiting for parts")
    as_administrator.post(f"/settings/incident-statuses/{status.pk}/", {"name": "Done"})
    status.refresh_from_db()
    assert (status.name, status.is_open) == ("Done", False)

    assert "Done" in as_administrator.get("/settings/incident-statuses/").content.decode()
    as_administrator.post(f"/settings/incident-statuses/{status.pk}/delete/")
    assert not IncidentStatus.objects.filter(pk=status.pk).exists()


def test_a_form_tells_why_a_system_status_is_not_edited(as_administrator):
    ensure_system_statuses(actor=COMMAND_LINE)
    status = IncidentStatus.objects.filter(system_key__isnull=False).first()
    page = as_administrator.post(f"/settings/incident-statuses/{status.pk}/", {"name": "Mine"})
    assert "never renamed or deleted" in page.content.decode()
    page = as_administrator.post(f"/settings/incident-statuses/{status.pk}/delete/", follow=True)
    assert "never renamed or deleted" in page.content.decode()


def test_only_administrators_open_the_page(as_technician, as_viewer):
    assert as_technician.get("/settings/incident-statuses/").status_code == 403
    assert as_viewer.get("/settings/incident-statuses/").status_code == 403
