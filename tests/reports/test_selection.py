"""Whatever an address says is understood, or told of; and what is kept of it means the same."""

from urllib.parse import urlencode

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.insurance.queries import in_question, today, with_coverage, without_applecare
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.exports.reports import columns_of_report, report_named, reports
from homeroom.inventory.words import WordIndex
from homeroom.reports.selection import canonical, filter_names, read, selection
from homeroom.web.errors import Refused
from tests.reports.districts import build

EXPIRING = report_named("applecare-expiring")
COLUMNS = [column.name for column in columns_of_report(EXPIRING.name)]
SORTS = [column.name for column in columns_of_report(EXPIRING.name) if column.sort]
SAID = st.dictionaries(
    st.sampled_from(
        [
            "q",
            "site",
            "days",
            "coverage",
            "ends_from",
            "storage",
            "model",
            "sort",
            "columns",
            "page",
            "format",
            "view",
            "x",
        ]
    ),
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(["", " ", "-", "90", "1e9", "NaN", "-5", "2026-02-30", "(none)", "asset_tag,,site"]),
        st.sampled_from(SORTS).map("-{}".format),
        st.lists(st.sampled_from(COLUMNS), max_size=4).map(",".join),
    ),
)
any_report = pytest.mark.parametrize("name", reports())


@pytest.mark.django_db
@time_machine.travel("2026-03-18T03:30:00Z", tick=False)
@any_report
@given(SAID)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_selects_the_same_as_what_was_said(
    monkeypatch: pytest.MonkeyPatch, name: str, said: dict[str, str]
) -> None:
    monkeypatch.setattr(WordIndex, "keys", lambda *_asked: None)  # words stay in the question, found or not
    report, query = report_named(name), urlencode(said)
    reading = read(report, query, COMMAND_LINE_VIEWER)
    if reading.problems:
        with pytest.raises(Refused) as refused:
            selection(report, query, COMMAND_LINE_VIEWER)
        assert refused.value.sentence == reading.problems[0].sentence
        return
    kept = canonical(report, query, COMMAND_LINE_VIEWER)
    assert canonical(report, kept, COMMAND_LINE_VIEWER) == kept
    before = selection(report, query, COMMAND_LINE_VIEWER)
    after = selection(report, kept, COMMAND_LINE_VIEWER)
    assert before.names == after.names
    assert str(before.queryset.query) == str(after.queryset.query)
    assert list(before.rows) == []


@pytest.mark.django_db
@given(st.text(max_size=300))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_is_too_strange_to_be_read(query: str) -> None:
    reading = read(EXPIRING, query, COMMAND_LINE_VIEWER)
    assert reading.problems or reading.selection.count == 0


@pytest.mark.django_db
def test_an_address_that_asks_for_too_much_is_refused() -> None:
    with pytest.raises(Refused, match="too much"):
        selection(EXPIRING, "q=1&" * 9000, COMMAND_LINE_VIEWER)


@pytest.mark.django_db
def test_an_unknown_filter_is_named_with_those_that_there_are() -> None:
    with pytest.raises(Refused, match="“colour” is no filter of this report") as refused:
        selection(EXPIRING, "colour=red", COMMAND_LINE_VIEWER)
    assert refused.value.field == "colour"


@pytest.mark.django_db
@any_report
def test_every_report_can_be_searched(name: str) -> None:
    assert "q" in filter_names(report_named(name), COMMAND_LINE_VIEWER)


@pytest.mark.django_db
def test_the_devices_without_applecare_are_those_whose_state_is_ended_or_none():
    build(400, today=today())
    states = with_coverage(in_question(COMMAND_LINE_VIEWER), today()).values_list("pk", "coverage")
    found = set(without_applecare(COMMAND_LINE_VIEWER, today()).values_list("pk", flat=True))
    assert found == {pk for pk, state in states if state in {CoverageState.ENDED, CoverageState.NONE}}
    assert {state for _pk, state in states} == set(CoverageState)
