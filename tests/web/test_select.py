"""A choice is drawn as Django draws it, only quicker."""

from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test.html import parse_html

import homeroom.web
from homeroom.web.forms import FormRenderer

CHOICES = [
    ("", "Every site"),
    ("1", "North & <South>"),
    (2, "Two"),
    ("Group “A”", [("3", "Three"), ("4", "Four")]),
    (None, "None"),
]


class Marked(forms.Select):
    """With attributes of single choices."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        option["attrs"] |= {
            "data-value": option["value"],
            "disabled": option["value"] == "3",
            "hidden": False,
        }
        return option


def test_it_is_drawn_in_one_template() -> None:
    template = FormRenderer().get_template(forms.Select.template_name)
    assert Path(template.origin.name).is_relative_to(Path(homeroom.web.__file__).parent)


def says_what_django_says(widget: forms.Select, value: Any) -> bool:
    drawn = widget.render("site", value, renderer=FormRenderer())
    return parse_html(drawn) == parse_html(widget.render("site", value, renderer=DjangoTemplates()))


@pytest.mark.parametrize("kind", [forms.Select, forms.SelectMultiple, Marked])
@pytest.mark.parametrize("value", ["", "1", 2, ["1", "4"], None, "<other>"])
def test_it_says_what_django_says(kind: type[forms.Select], value: Any) -> None:
    widget = kind(attrs={"class": 'form-select "x"', "required": True}, choices=CHOICES)
    assert says_what_django_says(widget, value)


@pytest.mark.parametrize("value", ["", "1", 2, True, None, "<other>"])
def test_so_does_one_of_yes_no_and_unknown(value: Any) -> None:
    assert says_what_django_says(forms.NullBooleanSelect(), value)
