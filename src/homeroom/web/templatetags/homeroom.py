"""Template tags of the shell: icons, form controls, permission checks."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.forms.utils import flatatt
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from homeroom.web.durations import clock
from homeroom.web.navigation import Page

Option = Mapping[str, Any]

register = template.Library()
register.filter(clock)

ICONS_DIR = Path(__file__).resolve().parent.parent / "static" / "vendor" / "icons"


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative icon, drawn into the page. Its meaning always stands in words beside it."""
    return _svg(name)


@cache
def _svg(name: str) -> SafeString:
    drawing = (ICONS_DIR / f"{name}.svg").read_text()
    return mark_safe(drawing.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))  # noqa: S308 - our own asset


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's widget with the look of its kind, tied to its help text and errors."""
    widget = field.field.widget
    match widget:
        case forms.CheckboxInput():
            css = "form-check-input"
        case forms.RadioSelect() | forms.CheckboxSelectMultiple():
            return _choices(field, widget)
        case forms.Select():
            css = "form-select"
        case _:
            css = "form-control"
    if field.errors:
        css += " is-invalid"
    own = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{css} {own}".strip()})


def _choices(field: BoundField, widget: forms.Widget) -> SafeString:
    """Each of them with its label; more than fit can be scrolled through."""
    widget.attrs["class"] = "form-check-input"
    lines = ((choice.tag(), choice.choice_label) for choice in field.subwidgets)
    line = '<label class="form-check">{}<span class="form-check-label">{}</span></label>'
    return format_html('<div class="choices">{}</div>', format_html_join("", line, lines))


@register.filter
def options(groups: Iterable[tuple[str | None, Sequence[Option], int]]) -> SafeString:
    """A choice's options as Django's widget has them, those that belong together under their group's name."""
    return SafeString("".join(_group(name, options) for name, options, _index in groups))


def _group(name: str | None, options: Sequence[Option]) -> str:
    lines = SafeString("".join(map(_option, options)))
    return format_html('<optgroup label="{}">{}</optgroup>', name, lines) if name else lines


def _option(option: Option) -> str:
    value, label = conditional_escape(str(option["value"])), conditional_escape(option["label"])
    attributes = flatatt(option["attrs"]) if option["attrs"] else ""
    return f'<option value="{value}"{attributes}>{label}</option>'


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def may(viewer: object, permission: str) -> bool:
    """Whether the viewer has a permission: `{% if viewer|may:"run-sync" %}`."""
    return bool(viewer and viewer.may(permission))  # type: ignore[attr-defined]


@register.filter
def waiting_for(page: Page, viewer: object) -> int:
    """How much waits for the viewer on a page of the menu."""
    return page.waiting(viewer) if page.waiting else 0
