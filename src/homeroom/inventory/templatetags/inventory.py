"""How devices look: the tone of a status, the icon of a family, the panels of the profile."""

from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.conf import settings
from django.template import Context
from django.template.base import Template
from django.utils.formats import number_format
from django.utils.safestring import SafeString

from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.profile import FilledPanel
from homeroom.web.templatetags.homeroom import icon

register = template.Library()


@dataclass(frozen=True, slots=True)
class Look:
    icon: str


_Kind = DeviceStatus.Kind
TONES = {
    _Kind.IN_SERVICE: "green",
    _Kind.IN_STORAGE: "azure",
    _Kind.IN_REPAIR: "yellow",
    _Kind.LOST: "red",
    _Kind.RETIRED: "secondary",
}
_Family = Device.ProductFamily
FAMILY_LOOKS = {
    _Family.IPAD: Look(icon="device-ipad"),
    _Family.IPHONE: Look(icon="device-mobile"),
    _Family.MAC: Look(icon="device-laptop"),
    _Family.APPLE_TV: Look(icon="device-tv"),
    _Family.WATCH: Look(icon="device-watch"),
    _Family.VISION: Look(icon="device-vision-pro"),
    _Family.CHROMEBOOK: Look(icon="device-laptop"),
    _Family.WINDOWS: Look(icon="device-desktop"),
}
OTHER_LOOK = Look(icon="devices")


@register.filter
def tone(status: DeviceStatus) -> str:
    return TONES[_Kind(status.kind)]


@register.filter
def family_icon(device: Device) -> SafeString:
    return icon(FAMILY_LOOKS.get(_Family(device.product_family or _Family.OTHER), OTHER_LOOK).icon)


@register.simple_tag(takes_context=True)
def panel(context: Context, filled: FilledPanel) -> SafeString:
    """Draw a panel with the page's context and its own values."""
    assert isinstance(context.template, Template)  # noqa: S101 - a tag is drawn by a template
    drawing = context.template.engine.get_template(filled.template)
    with context.push(**filled.values):
        return drawing.render(context)


@register.filter
def money(amount: Decimal) -> str:
    """An amount as the reader's language writes numbers, in the district's currency."""
    shown = number_format(amount, decimal_pos=2, force_grouping=True)
    return f"{shown}\u00a0{settings.CONFIGURATION.currency}"
