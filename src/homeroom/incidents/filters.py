from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.incidents import queries
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.inventory.filters import search_box, sites_of

STATES = [
    ("open", _("Open")),
    ("closed", _("Closed")),
    ("at-apple", _("At Apple")),
    ("overdue", _("Overdue at Apple")),
]
ME, NOBODY = "me", "nobody"


class IncidentFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=search_box(_("Number, tag, serial number, person, summary, repair number")),
    )
    state = filters.ChoiceFilter(
        label=_("State"), choices=STATES, method="by_state", empty_label=_("Open or closed")
    )
    status = filters.ModelChoiceFilter(
        label=_("Status"),
        queryset=lambda _request: IncidentStatus.objects.order_by("-is_open", "name"),
        empty_label=_("Every status"),
    )
    kind = filters.ChoiceFilter(label=_("Kind"), choices=Incident.Kind.choices, empty_label=_("Every kind"))
    technician = filters.ChoiceFilter(
        label=_("Technician"), method="by_technician", empty_label=_("Anybody or nobody")
    )
    site = filters.ModelChoiceFilter(
        label=_("Site"), field_name="device__site", queryset=sites_of, empty_label=_("Every site")
    )

    class Meta:
        model = Incident
        fields = ("q", "state", "status", "kind", "technician", "site")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(user.pk), str(user)) for user in queries.technicians()]
        self.filters["technician"].extra["choices"] = [(ME, _("Me")), (NOBODY, _("Nobody")), *people]

    def search(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        return queries.search_incidents(found, text)

    def by_state(self, found: QuerySet[Incident], _name: str, state: str) -> QuerySet[Incident]:
        states = {
            "open": queries.OPEN,
            "closed": ~queries.OPEN,
            "at-apple": queries.is_at_apple(),
            "overdue": queries.is_overdue(),
        }
        return found.filter(states[state])

    def by_technician(self, found: QuerySet[Incident], _name: str, who: str) -> QuerySet[Incident]:
        if who == NOBODY:
            return found.filter(technician__isnull=True)
        return found.filter(Q(technician=self.request.user.pk if who == ME else who))
