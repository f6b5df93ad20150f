"""The first page's search, the first step of all, and imports that wait for the person who began them."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.imports.queries import imports_waiting_for
from homeroom.inventory.models import Device
from homeroom.web.dashboard import (
    Card,
    Place,
    Section,
    Step,
    Waiting,
    number_waiting,
    register_card,
    register_section,
    register_step,
)


def imports_waiting(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(imports_waiting_for(viewer.user_id)):
        yield Waiting(
            _("Imports to finish"),
            _(
                "Files of yours that are neither applied nor discarded. Nothing of them is in the inventory yet."
            ),
            f"{reverse('inventory:imports')}?show=waiting",
            number,
        )


def register_on_dashboard() -> None:
    register_section(
        Section(
            Place.TOP,
            "inventory/_find.html",
            permission=Permission.VIEW_INVENTORY,
            order=10,
            context=lambda _viewer: {},
        )
    )
    register_card(
        Card("imports", icon="file-import", permission=Permission.IMPORT, order=80, waiting=imports_waiting)
    )
    register_step(
        Step(
            title=gettext_lazy("Import your devices"),
            sentence=gettext_lazy(
                "A CSV or Excel file from your last system. You see first what it would do."
            ),
            url_name="inventory:imports",
            permission=Permission.IMPORT,
            order=10,
            is_done=Device.objects.exists,
        )
    )
