"""What Apple says of devices of the inventory, beside what people typed: the one place that decides between them."""

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from homeroom.inventory.makes import told_other
from homeroom.inventory.models import Device


def with_details(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Annotates `shown_model` (Apple's name where the device is matched, else as typed) and `storage` in bytes."""
    apples = NullIf("apple_device__device_model", Value(""))
    return devices.annotate(
        shown_model=Coalesce(apples, F("model"), output_field=CharField()),
        storage=F("apple_device__capacity"),
    )


def of_another_make() -> Q:
    """Devices that somebody says are not Apple's, and that Apple has never listed."""
    return Q(apple_device__isnull=True) & told_other()
