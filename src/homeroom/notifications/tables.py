import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.notifications.models import Mail

WIDE_ONLY = {"th": {"class": "d-none d-md-table-cell"}, "td": {"class": "d-none d-md-table-cell"}}


class MailTable(tables.Table):
    queued_at = tables.DateTimeColumn(verbose_name=_("Queued"), short=True, attrs=WIDE_ONLY)
    what = tables.TemplateColumn(
        template_name="notifications/_what_cell.html", verbose_name=_("What"), orderable=False
    )
    recipient = tables.Column(order_by=("recipient__name", "pk"), attrs=WIDE_ONLY)
    state = tables.TemplateColumn(template_name="notifications/_state_cell.html", verbose_name=_("State"))

    class Meta:
        model = Mail
        fields = ("queued_at", "what", "recipient", "state")
        caption = _("Mail")
        empty_text = _("No mail here.")
