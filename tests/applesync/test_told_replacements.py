"""What the device management service tells of replacements that the inventory has not yet."""

import pytest

from homeroom.applesync.models import ToldReplacement
from homeroom.applesync.verbs.telling import take_back_telling, tell_replacement
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.web.errors import Refused

pytestmark = pytest.mark.django_db


def tell(replacement: str, original: str) -> ToldReplacement:
    return tell_replacement(replacement_serial=replacement, original_serial=original, actor=COMMAND_LINE)


def test_the_last_word_counts_and_the_same_word_changes_nothing():
    tell(" NEW1 ", "OLD1")
    again = tell("NEW1", "OLD1")
    assert Entry.objects.filter(action="replacement.told").count() == 1

    corrected = tell("NEW1", "OLD2")

    assert again.pk == corrected.pk
    assert ToldReplacement.objects.get().original_serial == "OLD2"
    entry = Entry.objects.filter(action="replacement.told").first()
    assert (entry.before, entry.after["original"]) == ({"original": "OLD1"}, "OLD2")


@pytest.mark.parametrize(("replacement", "original"), [("", "OLD1"), ("NEW1", " "), ("NEW1", "NEW1")])
def test_what_makes_no_sense_is_refused(replacement, original):
    with pytest.raises(Refused) as refused:
        tell(replacement, original)
    assert refused.value.field in {"replacement_serial", "original_serial"}
    assert not ToldReplacement.objects.exists()


def test_what_was_told_by_mistake_is_taken_back_and_stays_in_the_trail():
    take_back_telling(tell("NEW1", "OLD1"), actor=COMMAND_LINE)
    assert not ToldReplacement.objects.exists()
    assert Entry.objects.filter(action="replacement.telling_taken_back").exists()
