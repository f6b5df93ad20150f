from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.models import InsuranceRecord, Kind, Source

STATUSES = [
    ("active", _("Active")),
    ("ended", _("Ended")),
    ("cancelled", _("Cancelled")),
    ("upcoming", _("Upcoming")),
]


class InsuranceFilter(filters.FilterSet):
    q = filters.CharFilter(label=_("Serial number, tag or agreement"), method="search")
    kind = filters.ChoiceFilter(label=_("Kind"), choices=Kind.choices, empty_label=_("Every kind"))
    source = filters.ChoiceFilter(label=_("Source"), choices=Source.choices, empty_label=_("Every source"))
    status = filters.ChoiceFilter(
        label=_("Status"), choices=STATUSES, field_name="status_today", empty_label=_("Every status")
    )

    class Meta:
        model = InsuranceRecord
        fields = ("q", "kind", "source", "status")

    def search(self, records: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        found = Q()
        for field in ("device__serial_number", "device__asset_tag", "agreement_number"):
            found |= Q(**{f"{field}__icontains": text.strip()})
        return records.filter(found)
