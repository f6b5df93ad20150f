"""What can be asked about incidents. Every answer is cut to what the viewer sees."""

from datetime import date, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from homeroom.accounts.models import User
from homeroom.accounts.policy import GRANTS, Permission, Role, Viewer
from homeroom.incidents.models import Attachment, Comment, Incident, IncidentStatus
from homeroom.insurance.queries import today
from homeroom.inventory.models import Assignment, Device, Person, Site
from homeroom.inventory.queries import of_visible_devices
from homeroom.web.searching import with_words, within

MOST_DIGITS = 18
OPEN = Q(closed_at__isnull=True)


def incident_statuses() -> QuerySet[IncidentStatus]:
    """Takes no viewer: a setting of the whole district."""
    return IncidentStatus.objects.order_by("-is_open", "name")


def choosable_statuses() -> QuerySet[IncidentStatus]:
    """What a person may set by hand."""
    return incident_statuses().filter(system_key__isnull=True)


def incidents(viewer: Viewer) -> QuerySet[Incident]:
    """Of the devices that the viewer sees."""
    if not viewer.may(Permission.VIEW_INCIDENTS):
        return Incident.objects.none()
    return of_visible_devices(Incident.objects.all(), viewer)


def open_incidents_of(viewer: Viewer) -> QuerySet[Incident]:
    """Those that are theirs to work on."""
    if viewer.user_id is None:
        return Incident.objects.none()
    return incidents(viewer).filter(OPEN, technician=viewer.user_id)


def replacements_received(viewer: Viewer) -> list[tuple[int, int]]:
    """The status of that name, and how many open incidents are in it; nothing where none is."""
    key = IncidentStatus.SystemKey.APPLECARE_REPLACEMENT_RECEIVED
    found = incidents(viewer).filter(OPEN, status__system_key=key).order_by()
    return list(found.values_list("status").annotate(number=Count("pk")))


def at_apple(viewer: Viewer) -> QuerySet[Incident]:
    """Incidents whose device is at Apple, the longest away first."""
    return incidents(viewer).filter(is_at_apple()).order_by("sent_at", "number")


def overdue(viewer: Viewer, day: date) -> QuerySet[Incident]:
    """What is at Apple for longer than the district expects, by a day of the district's."""
    return at_apple(viewer).filter(is_overdue(day))


def is_at_apple(path: str = "") -> Q:
    """Of incidents, or with a `path` of what has them."""
    return Q(**{f"{path}status__system_key": IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR})


def is_overdue(day: date | None = None) -> Q:
    """At Apple for more than HOMEROOM_REPAIR_OVERDUE_DAYS days."""
    longest = timedelta(days=settings.CONFIGURATION.repair_overdue_days)
    return is_at_apple() & Q(shipped_on__lt=(day or today()) - longest)


def for_list(found: QuerySet[Incident]) -> QuerySet[Incident]:
    """One query for a page of incidents with all that it shows. Count before: these joins cost."""
    return found.select_related("device__site", "person", "status", "technician")


def incident_page(viewer: Viewer) -> QuerySet[Incident]:
    """For one incident with what stands beside it."""
    return incidents(viewer).select_related(
        "device__site", "device__status", "person__site", "status", "technician"
    )


def search_incidents(found: QuerySet[Incident], text: str) -> QuerySet[Incident]:
    """Every word must be found in the number, summary, repair number, in the device or its person at the time."""
    return with_words(found, text, _incident_has)


def _incident_has(word: str) -> Q:
    fields = ("summary", "repair_number", "device__asset_tag", "device__serial_number", "person__name")
    has_it = within(*fields)(word) | Q(person__external_id__istartswith=word)
    number = incident_number(word)
    return has_it if number is None else has_it | Q(number=number)


def incident_number(word: str) -> int | None:
    """`12` and `#12` both name an incident; longer numbers than a database holds name none."""
    digits = word.strip().removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def incidents_of_person(viewer: Viewer, person: Person) -> QuerySet[Incident]:
    """Those of devices that they had at the time, as far as the viewer sees the devices."""
    return incidents(viewer).filter(person=person).select_related("device", "status").order_by("-number")


def technicians(site: Site | None = None) -> QuerySet[User]:
    """Who works on incidents; with a site, those who see it. Takes no viewer: colleagues know one another."""
    roles = [role for role in Role if Permission.EDIT_INCIDENTS in GRANTS[role]]
    able = User.objects.filter(is_active=True, role__in=roles).order_by("name", "email")
    if site is None:
        return able
    everywhere = Q(role=Role.ADMINISTRATOR) | Q(sites__isnull=True)
    return able.filter(pk__in=able.order_by().filter(everywhere | Q(sites=site)).values("pk"))


def comments(incident: Incident) -> QuerySet[Comment]:
    """Oldest first. Takes no viewer: they see the incident."""
    return incident.comments.order_by("pk")


def attachments(incident: Incident) -> QuerySet[Attachment]:
    """Oldest first. Takes no viewer: they see the incident."""
    return incident.attachments.order_by("pk")


def loans(person: Person | None) -> QuerySet[Assignment]:
    """The loaners that a person has now. Takes no viewer: they see an incident of the person."""
    return (
        Assignment.objects.filter(person=person, kind=Assignment.Kind.LOANER, ended_at__isnull=True)
        .select_related("device__site")
        .order_by("started_at")
    )


def incidents_of_device(device: Device) -> QuerySet[Incident]:
    """Takes no viewer: who sees the device sees what befell it."""
    return device.incidents.select_related("status", "person", "technician").order_by("-number")


def devices_at_apple(viewer: Viewer) -> Q | None:
    """What a depot's technician sees of other sites' devices."""
    if not viewer.works_at_depot:
        return None
    return Q(pk__in=Incident.objects.filter(is_at_apple()).order_by().values("device"))
