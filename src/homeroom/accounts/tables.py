import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.audit.models import Entry


class UserTable(tables.Table):
    name = tables.Column(linkify=("user", {"pk": tables.A("pk")}))
    sites = tables.ManyToManyColumn(default=_("Every site"), orderable=False)
    is_active = tables.BooleanColumn(yesno=(_("yes"), _("no")))

    class Meta:
        model = User
        fields = ("name", "email", "role", "sites", "is_active", "last_login")
        caption = _("Users")


class EntryTable(tables.Table):
    at = tables.DateTimeColumn(short=True)
    what = tables.TemplateColumn(
        template_name="accounts/_entry_values.html", verbose_name=_("What changed"), orderable=False
    )

    class Meta:
        model = Entry
        fields = ("at", "actor_label", "action", "object_label", "what")
        order_by = "-at"
        caption = _("Audit trail")
        empty_text = _("No entry fits the filter.")
