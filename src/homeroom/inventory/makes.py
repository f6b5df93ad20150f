"""Whether a device is Apple's, as far as the inventory says: by its family, else its manufacturer, else its model.

What Apple itself says of a serial number goes before that: the app that knows it registers the condition.
"""

from functools import reduce
from operator import and_, or_

from django.db.models import Q, QuerySet

from homeroom.inventory.models import Device

Family = Device.ProductFamily
APPLE_FAMILIES = (Family.IPAD, Family.IPHONE, Family.MAC, Family.APPLE_TV, Family.WATCH, Family.VISION)
OTHER_FAMILIES = (Family.CHROMEBOOK, Family.WINDOWS)
APPLE = "Apple"
APPLE_MODELS = ("iPad", "iPhone", "MacBook", "iMac", "Mac ", APPLE)


def told_apple() -> Q:
    """Devices that somebody says are Apple's."""
    models = reduce(or_, (Q(model__istartswith=name) for name in APPLE_MODELS))
    told = Q(manufacturer__istartswith=APPLE) | (Q(manufacturer="") & models)
    return Q(product_family__in=APPLE_FAMILIES) | (Q(product_family="") & told)


def told_other() -> Q:
    """Devices that somebody says are of another make. One of which nobody says anything may be Apple's."""
    maker = ~Q(manufacturer="") & ~Q(manufacturer__istartswith=APPLE)
    return Q(product_family__in=OTHER_FAMILIES) | (~Q(product_family__in=APPLE_FAMILIES) & maker)


def is_told_other(device: Device) -> bool:
    """The same of one device."""
    if device.product_family in (*APPLE_FAMILIES, *OTHER_FAMILIES):
        return device.product_family in OTHER_FAMILIES
    maker = device.manufacturer
    return bool(maker) and not maker.lower().startswith(APPLE.lower())


_unlisted: list[Q] = []


def register_unlisted(unlisted: Q) -> None:
    """Of which devices no maker has said that they are Apple's. Called once, in `AppConfig.ready()`."""
    _unlisted.append(unlisted)


def of_another_make() -> Q:
    """Devices that somebody says are not Apple's, and that Apple has never listed."""
    return reduce(and_, _unlisted, told_other())


def apples(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those that are Apple's or may be: of the others nobody asks whether they have AppleCare."""
    return devices.filter(~of_another_make())
