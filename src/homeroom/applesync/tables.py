import django_tables2 as tables
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import SyncRun
from homeroom.applesync.queries.runs import duration
from homeroom.inventory.tables import WIDE_ONLY
from homeroom.web.durations import clock


class RunTable(tables.Table):
    id = tables.Column(verbose_name=_("Sync"), linkify=True)
    connection = tables.Column(verbose_name=_("Connection"), attrs=WIDE_ONLY)
    state = tables.TemplateColumn(template_name="applesync/runs/_state.html", verbose_name=_("State"))
    started_at = tables.DateTimeColumn(verbose_name=_("Started"), short=True)
    duration = tables.Column(empty_values=(), orderable=False, verbose_name=_("Duration"), attrs=WIDE_ONLY)
    listed = tables.Column(verbose_name=_("Listed"), attrs=WIDE_ONLY)
    matched = tables.Column(verbose_name=_("Matched"))
    coverage_checked = tables.Column(verbose_name=_("Coverage checked"), attrs=WIDE_ONLY)
    insurance = tables.Column(
        empty_values=(), orderable=False, verbose_name=_("Insurance records"), attrs=WIDE_ONLY
    )
    requests = tables.Column(verbose_name=_("Requests"), attrs=WIDE_ONLY)
    problems = tables.Column(verbose_name=_("Notes"), attrs=WIDE_ONLY)

    class Meta:
        model = SyncRun
        fields = (
            "id",
            "connection",
            "state",
            "started_at",
            "duration",
            "listed",
            "matched",
            "coverage_checked",
            "insurance",
            "requests",
            "problems",
        )
        order_by = "-id"
        empty_text = _("No sync has run yet.")
        caption = _("Syncs")

    def render_duration(self, record: SyncRun) -> str:
        return clock(duration(record))

    def render_insurance(self, record: SyncRun) -> str:
        return gettext("%(created)s new, %(updated)s changed, %(ended)s ended") % {
            "created": record.insurance_created,
            "updated": record.insurance_updated,
            "ended": record.insurance_ended,
        }
