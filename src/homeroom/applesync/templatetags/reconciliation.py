"""How two spellings of a serial number are set against each other."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.inventory.near import BLANKS, Difference, differences

register = template.Library()

WORDS = {
    Difference.CASE: gettext_lazy("upper and lower case"),
    Difference.WHITE_SPACE: gettext_lazy("white space"),
    Difference.LETTER_O: gettext_lazy("the letter O and zero"),
    Difference.LETTER_I: gettext_lazy("the letter I and one"),
    Difference.LEADING_S: gettext_lazy("the leading S that barcodes carry"),
}


@register.filter
def spelled(serial_number: str) -> SafeString:
    """The serial number with its white space made visible."""
    return format_html_join("", "{}", ((_character(character),) for character in serial_number))


@register.filter
def differs_in(one: str, other: str) -> str:
    """In words: “white space, the letter O and zero”."""
    return ", ".join(str(WORDS[difference]) for difference in differences(one, other))


def _character(character: str) -> str:
    if character not in BLANKS:
        return character
    return format_html(
        '<mark class="px-0"><span aria-hidden="true">␣</span><span class="visually-hidden">{}</span></mark>',
        _("(white space)"),
    )
