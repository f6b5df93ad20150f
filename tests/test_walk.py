"""Every address and every role: what has no declared permission fails, and so does a page that is not declared here."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from homeroom.accounts.policy import GRANTS, Permission, Role
from homeroom.applesync.models import Connection, Replacement, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Attachment, IncidentStatus
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.models import InsuranceRecord
from homeroom.inventory.imports.models import ImportJob, Noun
from homeroom.inventory.models import Device, Site
from homeroom.notifications.models import Mail
from homeroom.reports.models import ReportFile, ReportSchedule, SavedView
from homeroom.schedules.schedule import Schedule
from tests.applesync.mirrors import make_connection, make_listed
from tests.builders import make_device, make_person, make_site, make_status, make_user
from tests.incidents.repairs import box_of

PUBLIC = {
    # Signing in and out, of the library that does it.
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
}
ROLES = [None, *Role]


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern


PAGES = [
    (route, pattern)
    for route, pattern in addresses(get_resolver().url_patterns)
    if pattern.name not in PUBLIC and not route.startswith("api/")
]


def permission_of(pattern: URLPattern) -> Permission | None:
    return getattr(pattern.callback, "permission", None)


class World:
    """An object of each kind that an address can name."""

    def __init__(self, site: Site) -> None:
        self.device = make_device(site=site, asset_tag="HIDDEN-TAG", serial_number="HIDDENSERIAL")
        self.person = make_person(site=site, name="Hidden Person")
        self.connection = Connection.objects.create(
            name="District", client_id="c", key_id="k", private_key="p", active=False
        )
        self.incident = open_incident(self.device, summary="Hidden crack", actor=COMMAND_LINE)
        # By the same number, for an address names both.
        Attachment.objects.create(
            pk=self.incident.number, incident=self.incident, kind="photo", file="incidents/gone.jpg", size=1
        )
        packed = open_incident(self.device, summary="Hidden crack", actor=COMMAND_LINE)
        self.ids = {
            "shipment": box_of(packed).number,
            "device": self.device.pk,
            "incident": self.incident.number,
            "person": self.person.pk,
            "site": site.pk,
            "insurance": InsuranceRecord.objects.create(device=self.device, provider="Hidden Insurer").pk,
            "connection": self.connection.pk,
            "run": SyncRun.objects.create(connection=self.connection, state=SyncRun.State.SUCCEEDED).pk,
            "apple-device": make_listed("UNMATCHED", make_connection()).pk,
            "replacement": Replacement.objects.create(
                connection=self.connection,
                incident=open_incident(self.device, summary="Hidden summary", actor=COMMAND_LINE),
                original_serial="HIDDENSERIAL",
                replacement_serial="NEW1",
            ).pk,
            "user": make_user().pk,
            "token": 0,
            "device-status": make_status("Own").pk,
            "incident-status": IncidentStatus.objects.create(name="Own").pk,
            "mail": Mail.objects.create(recipient=make_user()).pk,
            "report": "applecare-expiring",
            "view": SavedView.objects.create(
                owner=make_user(), report="applecare-expiring", name="Hidden view"
            ).pk,
            "schedule": ReportSchedule.objects.create(
                owner=make_user(),
                report="applecare-expiring",
                name="Hidden words",
                format="csv",
                schedule=Schedule.weekly(0),
            ).pk,
            "file": ReportFile.objects.create(
                owner=make_user(), report="applecare-expiring", format="csv", words="Hidden words"
            ).pk,
            "import": ImportJob.objects.create(noun=Noun.DEVICES, file_name="x.csv").pk,
        }

    def fill(self, route: str) -> str:
        """The address with ids in it. A route that is not told apart here fails: say which object it names."""
        for pattern, kind in KINDS:
            if re.match(pattern, route):
                return "/" + re.sub(r"<[^>]+>", str(self.ids[kind]), route)
        assert "<" not in route, f"say in tests/test_walk.py which object {route} names"
        return f"/{route}"


KINDS = [
    (r"incidents/new/<", "device"),
    (r"incidents/<", "incident"),
    (r"at-apple/shipments/<", "shipment"),
    (r"devices/<", "device"),
    (r"reconciliation/in-apple-not-in-inventory/<", "apple-device"),
    (r"reconciliation/near-matches/<", "device"),
    (r"people/<", "person"),
    (r"sites/<", "site"),
    (r"insurance/<", "insurance"),
    (r"settings/mdm/.*<", "connection"),
    (r"syncs/<", "run"),
    (r"replacements/<", "replacement"),
    (r"replacements-to-review/<", "apple-device"),
    (r"account/users/<", "user"),
    (r"account/tokens/<", "token"),
    (r"settings/device-statuses/<", "device-status"),
    (r"settings/incident-statuses/<", "incident-status"),
    (r"settings/email/<", "mail"),
    (r"imports/<", "import"),
    (r"reports/mdm/<", "report"),
    (r"reports/views/<", "view"),
    (r"reports/files/<", "file"),
    (r"reports/schedules/<", "schedule"),
]


@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _pattern in PAGES])
def test_every_page_declares_its_permission(route: str, pattern: URLPattern) -> None:
    assert permission_of(pattern) in set(Permission), f"{route} needs @requires(...)"


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _pattern in PAGES])
def test_a_role_without_the_permission_is_turned_away(
    route: str, pattern: URLPattern, role: Role | None
) -> None:
    site = make_site()
    address = World(site).fill(route)
    permission = permission_of(pattern)
    client = Client()
    if role is not None:
        client.force_login(make_user(role))
    allowed = role is not None and permission in GRANTS[role]
    for answer in (client.get(address), client.post(address)):
        if role is None:
            assert answer.status_code in {302, 405}
            assert answer.status_code == 405 or answer["Location"].startswith("/account/login/")
        elif not allowed:
            assert answer.status_code in {403, 405}
        else:
            assert answer.status_code < 500
            assert answer.status_code != 403


@pytest.mark.django_db
@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _pattern in PAGES])
def test_a_technician_of_another_site_learns_nothing_of_this_one(route: str, pattern: URLPattern) -> None:
    site = make_site(name="Hidden School", contact_name="Whom to call")
    address = World(site).fill(route)
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    text = client.get(address).getvalue().decode()
    for hidden in ("Hidden Person", "Hidden Insurer", "Hidden crack", "HIDDENSERIAL", "Hidden words"):
        assert hidden not in text
    if "HIDDEN-TAG" in text:
        assert address == f"/devices/{Device.objects.get(asset_tag='HIDDEN-TAG').pk}/"
        assert "Whom to call" in text


@pytest.mark.django_db
@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _pattern in PAGES])
def test_a_technician_of_a_depot_sees_incidents_of_other_sites_only_while_the_device_is_at_apple(
    route: str, pattern: URLPattern
) -> None:
    world = World(make_site(name="Hidden School"))
    address = world.fill(route)
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(make_site(kind=Site.Kind.DEPOT),)))
    assert "Hidden crack" not in client.get(address).getvalue().decode()
    ensure_system_statuses(actor=COMMAND_LINE)
    send_to_apple(world.incident, reason="Tested.", actor=COMMAND_LINE)
    answer = client.get(address)
    assert answer.status_code < 500
    if address in {"/incidents/", "/at-apple/", f"/incidents/{world.incident.number}/"}:
        assert "Hidden crack" in answer.getvalue().decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/account/login/", "/devices/", "/no-such-page/"])
def test_every_answer_carries_the_strict_policy(as_administrator: Client, address: str) -> None:
    policy = as_administrator.get(address)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_no_template_holds_inline_script_or_style() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
    folder = Path(__file__).resolve().parent.parent / "src" / "homeroom"
    found = [
        f"{path.relative_to(folder)}: {match.group()}"
        for path in folder.rglob("*.html")
        for match in inline.finditer(path.read_text())
    ]
    assert found == []
