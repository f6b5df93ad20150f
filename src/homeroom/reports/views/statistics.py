"""MDM Statistics, its settings, and the incidents behind its numbers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.queries import incidents
from homeroom.inventory.views.lists import paged
from homeroom.reports import links
from homeroom.reports.blocks import blocks, currency
from homeroom.reports.filters import CountedIncidentFilter
from homeroom.reports.forms import ChoiceForm, SettingsForm
from homeroom.reports.queries.statistics import prices, statistics_and_choices
from homeroom.reports.tables import CountedIncidentTable
from homeroom.reports.tiles import tiles
from homeroom.reports.verbs.settings import set_statistics_settings
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INVENTORY)
def statistics(request: ViewerRequest) -> HttpResponse:
    form = ChoiceForm(request.GET, viewer=request.viewer)
    if not form.is_valid():
        return render(request, "reports/statistics.html", {"form": form})
    figures, choices = statistics_and_choices(request.viewer, form.chosen)
    form.offer(choices)
    shown = blocks(figures, form.chosen)
    context = {
        "form": form,
        "figures": figures,
        "tiles": tiles(figures, form.chosen),
        "blocks": shown,
        "drawings": {
            f"{block.key}-{number}": drawing
            for block in shown
            for number, drawing in enumerate(block.drawings, start=1)
        },
        "left_out": links.all_devices(form.chosen),
    }
    return render(request, "reports/statistics.html", context)


@requires(Permission.MANAGE_SETTINGS)
def settings(request: ViewerRequest) -> HttpResponse:
    """What renewing costs, and when the school year starts."""
    form = SettingsForm(request.POST or None, prices=prices())
    if request.method == "POST" and form.is_valid():
        try:
            set_statistics_settings(
                school_year_starts=form.cleaned_data["school_year_starts"],
                renewal_costs=form.renewal_costs,
                actor=request.viewer.actor,
            )
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect("reports:statistics")
    return render(request, "reports/settings.html", {"form": form, "currency": currency()})


@requires(Permission.VIEW_INCIDENTS)
def counted_incidents(request: ViewerRequest) -> HttpResponse:
    """The incidents behind the numbers of repairs."""
    found = CountedIncidentFilter(request.GET, incidents(request.viewer), request=request)
    rows = found.qs.select_related("device", "status")
    table = paged(CountedIncidentTable, rows, request, count=found.qs.count(), order_by="-number")
    return render(request, "reports/incidents.html", {"table": table, "filter": found})
