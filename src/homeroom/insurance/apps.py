from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InsuranceConfig(AppConfig):
    name = "homeroom.insurance"

    def ready(self) -> None:
        from homeroom.accounts.policy import Permission
        from homeroom.insurance.exports import register_insurance
        from homeroom.insurance.lists import add_coverage_to_device_list
        from homeroom.insurance.panels import coverage_panel
        from homeroom.insurance.reports import register_coverage_reports
        from homeroom.insurance.timeline import register_decisions
        from homeroom.insurance.verbs.milestones import COVERAGE_ENDING
        from homeroom.inventory.profile import Panel, register_panel
        from homeroom.notifications.kinds import register_kind
        from homeroom.web.navigation import Page, add_to_menu

        register_insurance()
        add_coverage_to_device_list()
        register_coverage_reports()
        register_decisions()
        register_kind(COVERAGE_ENDING)
        register_panel(Panel(20, "insurance/_panel.html", coverage_panel))
        add_to_menu(
            Page(
                _("Insurance"),
                "insurance:records",
                icon="shield-check",
                permission=Permission.VIEW_INVENTORY,
                order=40,
            )
        )
