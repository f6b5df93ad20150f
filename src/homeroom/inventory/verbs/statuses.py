"""Device statuses: the district's own, and those that belong to an integration."""

from django.db import transaction

from homeroom.inventory.models import DeviceStatus

DEFAULT_STATUS = "In service"
DEFAULT_STATUSES = {
    DEFAULT_STATUS: DeviceStatus.Kind.IN_SERVICE,
    "In storage": DeviceStatus.Kind.IN_STORAGE,
    "In repair": DeviceStatus.Kind.IN_REPAIR,
    "Lost": DeviceStatus.Kind.LOST,
    "Retired": DeviceStatus.Kind.RETIRED,
}


@transaction.atomic
def add_default_statuses() -> None:
    """Give an empty installation its first statuses; an installation that has any keeps what it has."""
    if not DeviceStatus.objects.exists():
        DeviceStatus.objects.bulk_create(
            DeviceStatus(name=name, kind=kind) for name, kind in DEFAULT_STATUSES.items()
        )
