from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "homeroom.reports"

    def ready(self) -> None:
        from homeroom.accounts.policy import Permission
        from homeroom.notifications.kinds import register_kind
        from homeroom.reports.dashboard import register_on_dashboard
        from homeroom.reports.notifications import REPORT_ON_SCHEDULE
        from homeroom.web.navigation import Page, add_to_account_menu, add_to_menu

        register_on_dashboard()
        register_kind(REPORT_ON_SCHEDULE)
        add_to_menu(
            Page(
                _("MDM Statistics"),
                "reports:statistics",
                icon="chart-bar",
                permission=Permission.VIEW_INVENTORY,
                order=70,
                group=_("Reports"),
            )
        )
        add_to_menu(
            Page(
                _("MDM Reports"),
                "reports:reports",
                icon="report",
                permission=Permission.VIEW_INVENTORY,
                order=71,
                group=_("Reports"),
            )
        )
        add_to_account_menu(
            Page(_("My files"), "reports:files", icon="files", permission=Permission.EXPORT, order=30)
        )
