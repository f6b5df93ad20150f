"""What of Apple waits for a person, how the syncs stand, and the first steps towards them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.queries.connections import standings
from homeroom.applesync.queries.replacements import candidates_to_review
from homeroom.web.counts import Number
from homeroom.web.dashboard import (
    Card,
    Place,
    Section,
    Severity,
    Step,
    Waiting,
    register_card,
    register_section,
    register_step,
)


def connections_in_need(viewer: Viewer) -> Iterator[Waiting]:
    """Where a sync waits for a decision, its page is where it is taken."""
    for standing in standings(viewer):
        if standing.state == Connection.State.NEEDS_ATTENTION:
            title = _("“%(name)s” needs attention") % {"name": standing.connection}
            held = standing.held_run
            url = reverse("applesync:run", args=[held]) if held else standing.connection.get_absolute_url()
            yield Waiting(title, standing.problem, url, severity=Severity.BROKEN)


def replacements_to_review(viewer: Viewer) -> Iterator[Waiting]:
    if number := candidates_to_review(viewer):
        yield Waiting(
            _("Replacements to review"),
            _("New devices from Apple. Say which device each one replaces."),
            reverse("applesync:replacements-to-review"),
            Number(number),
        )


def sync_standings(viewer: Viewer) -> Mapping[str, Any] | None:
    found = standings(viewer)
    return {"standings": found} if found else None


def has_synced() -> bool:
    return SyncRun.objects.filter(state=SyncRun.State.SUCCEEDED, preview=False).exists()


def register_on_dashboard() -> None:
    manage, review = Permission.MANAGE_CONNECTIONS, Permission.REVIEW_REPLACEMENTS
    register_card(
        Card("connections", icon="plug-connected", permission=manage, order=10, waiting=connections_in_need)
    )
    register_card(
        Card(
            "replacements-to-review",
            icon="list-check",
            permission=review,
            order=40,
            waiting=replacements_to_review,
        )
    )
    register_section(
        Section(
            Place.BESIDE,
            "applesync/_dashboard.html",
            permission=Permission.VIEW_SYNC,
            order=10,
            context=sync_standings,
        )
    )
    register_step(
        Step(
            title=gettext_lazy("Connect Apple School Manager"),
            sentence=gettext_lazy(
                "Client ID, Key ID and private key; a test says whether Apple accepts them."
            ),
            url_name="applesync:mdm-settings",
            permission=manage,
            order=20,
            is_done=Connection.objects.exists,
        )
    )
    register_step(
        Step(
            title=gettext_lazy("Run the first sync"),
            sentence=gettext_lazy("It starts as a preview: you see what it would change, then apply it."),
            url_name="applesync:runs",
            permission=Permission.RUN_SYNC,
            order=30,
            is_done=has_synced,
        )
    )
