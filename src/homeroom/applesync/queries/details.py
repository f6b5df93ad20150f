"""What Apple says of devices of the inventory, beside what people typed: the one place that decides between them."""

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from homeroom.inventory.models import Device


def with_details(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Annotates `shown_model` and `storage`, in bytes."""
    return devices.annotate(shown_model=shown_model(), storage=F("apple_device__capacity"))


def shown_model(path: str = "") -> Coalesce:
    """Apple's name of the model where the device is matched, else as typed; with a `path`, of what has the device."""
    apples = NullIf(f"{path}apple_device__device_model", Value(""))
    return Coalesce(apples, F(f"{path}model"), output_field=CharField())
