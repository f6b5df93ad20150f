from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_menu, add_to_settings


class AppleSyncConfig(AppConfig):
    name = "homeroom.applesync"

    def ready(self) -> None:
        from homeroom.applesync.dashboard import register_on_dashboard
        from homeroom.applesync.exports import register_apple
        from homeroom.applesync.lists import add_apple_to_device_list
        from homeroom.applesync.notifications import KINDS
        from homeroom.applesync.panels import (
            apple_panel,
            incident_panel,
            replacement_panel,
            where_scanned,
            why_panel,
        )
        from homeroom.applesync.queries.coverage import coverage_sync_has_stopped
        from homeroom.applesync.queries.details import unlisted
        from homeroom.applesync.queries.replacements import candidates_to_review
        from homeroom.applesync.reconciliation.reports import register_reconciliation
        from homeroom.applesync.repair_concerns import AppleInquiry, apple_concerns
        from homeroom.applesync.reports import register_sync_reports
        from homeroom.applesync.reviewing.reports import register_replacements
        from homeroom.incidents.inquiry import register_inquiry
        from homeroom.incidents.page import (
            IncidentPanel,
            register_incident_panel,
            register_scanned_elsewhere,
        )
        from homeroom.incidents.preflight import register_check
        from homeroom.insurance.queries import register_stopped_sync
        from homeroom.inventory.makes import register_unlisted
        from homeroom.inventory.profile import Panel, register_panel
        from homeroom.inventory.timeline import register_sentence
        from homeroom.notifications.kinds import register_kind

        pre_migrate.connect(_let_migrations_pass, sender=self)
        post_migrate.connect(_keep_lists, sender=self)
        register_unlisted(unlisted())
        register_apple()
        add_apple_to_device_list()
        register_reconciliation()
        register_check(apple_concerns)
        register_inquiry(AppleInquiry())
        register_replacements()
        register_sync_reports()
        register_stopped_sync(coverage_sync_has_stopped())
        register_sentence("device.refreshed", _("Refreshed from Apple"))
        register_panel(Panel(5, "applesync/why/_panel.html", why_panel))
        register_panel(Panel(7, "applesync/replacements/_panel.html", replacement_panel))
        register_incident_panel(
            IncidentPanel(10, "applesync/replacements/_incident_panel.html", incident_panel)
        )
        register_scanned_elsewhere(where_scanned)
        register_panel(Panel(10, "applesync/_panel.html", apple_panel))
        for kind in KINDS:
            register_kind(kind)
        register_on_dashboard()
        add_to_settings(
            Page(
                _("MDM Settings"),
                "applesync:mdm-settings",
                icon="device-mobile-cog",
                permission=Permission.MANAGE_CONNECTIONS,
                order=10,
            )
        )
        add_to_menu(
            Page(
                _("Replacements to review"),
                "applesync:replacements-to-review",
                icon="list-check",
                permission=Permission.REVIEW_REPLACEMENTS,
                order=46,
                waiting=candidates_to_review,
            )
        )
        add_to_menu(
            Page(
                _("Replacements"),
                "applesync:replacements",
                icon="replace",
                permission=Permission.VIEW_INCIDENTS,
                order=47,
            )
        )
        add_to_menu(
            Page(
                _("Reconciliation"),
                "applesync:reconciliation",
                icon="git-compare",
                permission=Permission.VIEW_SYNC,
                order=50,
            )
        )
        add_to_menu(
            Page(_("Why?"), "applesync:why", icon="help-circle", permission=Permission.VIEW_SYNC, order=55)
        )
        add_to_menu(
            Page(_("Syncs"), "applesync:runs", icon="refresh", permission=Permission.VIEW_SYNC, order=60)
        )


def _let_migrations_pass(using: str, plan: list[Any], **_kwargs: Any) -> None:
    from homeroom.applesync.verbs.kept_lists import let_migrations_pass

    if plan:
        let_migrations_pass(using)


def _keep_lists(using: str, **_kwargs: Any) -> None:
    from homeroom.applesync.verbs.kept_lists import keep_lists

    keep_lists(using)
