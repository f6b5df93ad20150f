import django_filters as filters
from django.utils.translation import gettext_lazy as _

from homeroom.audit.models import Entry


class EntryFilter(filters.FilterSet):
    actor_label = filters.CharFilter(label=_("Who"), lookup_expr="icontains")
    action = filters.CharFilter(label=_("Action"), lookup_expr="istartswith")
    object_label = filters.CharFilter(label=_("Object"), lookup_expr="icontains")
    since = filters.DateFilter(field_name="at", lookup_expr="date__gte", label=_("Since"))
    until = filters.DateFilter(field_name="at", lookup_expr="date__lte", label=_("Until"))

    class Meta:
        model = Entry
        fields = ("actor_label", "action", "object_label")
