"""Where several may be chosen, each choice is drawn with its own label, tied to what is said of them all."""

from django import forms
from django.template import Context, Template


class Toppings(forms.Form):
    which = forms.MultipleChoiceField(
        choices=[("1", "North & South"), ("2", "West")],
        widget=forms.CheckboxSelectMultiple,
        help_text="As many as you like.",
    )


def drawn(form: forms.Form) -> str:
    return Template("{{ form.which.as_field_group }}").render(Context({"form": form}))


def test_each_choice_has_a_box_of_its_own_with_its_words() -> None:
    html = drawn(Toppings(initial={"which": ["2"]}))
    assert html.count('class="form-check-input"') == html.count("<input") == 2
    assert html.count('<label class="form-check">') == 2
    assert '<span class="form-check-label">North &amp; South</span>' in html
    assert html.index("checked") > html.index("North")
    assert 'aria-describedby="id_which_helptext"' in html


def test_what_is_wrong_is_tied_to_all_of_them() -> None:
    html = drawn(Toppings({"which": ["3"]}))
    assert 'aria-describedby="id_which_helptext id_which_error"' in html
    assert 'id="id_which_error"' in html
