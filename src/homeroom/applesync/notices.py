"""What administrators are told of syncs where they begin their day."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import Connection
from homeroom.applesync.queries.connections import standings
from homeroom.web.notices import Notice


def connections_in_need(viewer: Viewer) -> Iterator[Notice]:
    for standing in standings(viewer):
        if standing.state == Connection.State.NEEDS_ATTENTION:
            title = _("“%(name)s” needs attention") % {"name": standing.connection}
            yield Notice(title, standing.problem, standing.connection.get_absolute_url())
