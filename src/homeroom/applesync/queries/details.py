"""What Apple says of devices of the inventory, beside what people typed: the one place that decides between them."""

from django.db.models import CharField, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from homeroom.applesync.models import AppleDevice
from homeroom.inventory.models import Device
from homeroom.plans import there_is_none


def with_details(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Annotates `shown_model` and `storage`, in bytes."""
    return devices.annotate(shown_model=shown_model(), storage=F("apple_device__capacity"))


def unlisted() -> Q:
    """Devices to which no row of the mirror is linked, whatever the day of its list."""
    # Not joined, so that it is looked up only for the devices of which nothing else decides.
    return there_is_none(AppleDevice.objects.filter(device=OuterRef("pk")))


def shown_model(path: str = "") -> Coalesce:
    """Apple's name of the model where the device is matched, else as typed; with a `path`, of what has the device."""
    apples = NullIf(f"{path}apple_device__device_model", Value(""))
    return Coalesce(apples, F(f"{path}model"), output_field=CharField())
