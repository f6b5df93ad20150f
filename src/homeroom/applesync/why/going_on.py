"""What findings share: where to go on, and how moments are written."""

from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Permission
from homeroom.applesync.queries.connections import Standing
from homeroom.applesync.why.answers import Link
from homeroom.applesync.why.facts import Facts


def link_for(facts: Facts, permission: Permission, label: str, url: str) -> Link | None:
    return Link(url, label) if facts.viewer.may(permission) else None


def to_settings(facts: Facts, standing: Standing | None = None) -> Link | None:
    url = standing.connection.get_absolute_url() if standing else reverse("applesync:mdm-settings")
    return link_for(facts, Permission.MANAGE_CONNECTIONS, _("MDM Settings"), url)


def to_profile(facts: Facts) -> Link | None:
    return Link(facts.device.get_absolute_url(), str(facts.device)) if facts.device else None


def moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else _("never")


def day(day: date | None) -> str:
    return date_format(day, "DATE_FORMAT") if day else ""
