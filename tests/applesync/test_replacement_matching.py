"""What pairs a new device with a repair, what asks, and what keeps two apart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.applesync.replacements import words
from homeroom.applesync.replacements.evidence import Evidence, Kind, Never, Side, restored, stored
from homeroom.applesync.replacements.facts import (
    Candidate,
    Fate,
    Leaving,
    Look,
    Pair,
    Repair,
    Serial,
    Situation,
    Stray,
    Unit,
)
from homeroom.applesync.replacements.matching import Decisions, Pairing, Unpaired, decide
from homeroom.applesync.replacements.weighing import Scales

SHIPPED = datetime(2026, 9, 7, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
APPEARED = SHIPPED + 6 * DAY
BLUE = Look("iPad (10th generation)", "iPad13,18", "MPQ13LL/A", 64 * 10**9, "BLUE")
SILVER = BLUE._replace(color="SILVER")
BIGGER = BLUE._replace(capacity=256 * 10**9)
CELLULAR = BLUE._replace(product_type="iPad13,19")
MAC = Look("MacBook Air", "Mac15,12", "MRXN3LL/A", 256 * 10**9, "SILVER")


def unit(serial: str, look: Look = BLUE, family: str = "iPad") -> Unit:
    return Unit(Serial(serial), family, look)


def came(serial: str = "NEW", look: Look = BLUE, at: datetime = APPEARED, **facts) -> Candidate:
    told = {
        "order_number": f"R{sum(map(ord, serial)):09}",
        "purchase_source": "APPLE",
        "ordered_at": at - DAY,
    }
    return Candidate(unit(serial, look, facts.pop("family", "iPad")), at, **(told | facts))


def sent(
    serial: str = "OLD", look: Look = BLUE, left: datetime | None = APPEARED - 2 * HOUR, **facts
) -> Repair:
    """A repair whose original was released two hours before the candidate came, unless told otherwise."""
    told = {"incident": sum(map(ord, serial)), "shipped_at": SHIPPED, "family": "iPad"} | facts
    fate = told.pop("fate", Fate.LEFT if left else Fate.LISTED)
    leaving = Leaving.at(left) if left else None
    return Repair(unit=unit(serial, look, told.pop("family")), fate=fate, leaving=leaving, **told)


def decided(candidates, repairs, strays=(), refused=()) -> Decisions:
    return decide(Situation(tuple(candidates), tuple(repairs), tuple(strays), frozenset(refused)))


def certain(candidates, repairs, **more) -> set[tuple[str, str]]:
    return {(each.original, each.replacement) for each in decided(candidates, repairs, **more).certain}


def only(decisions: Decisions) -> Pairing:
    (pairing,) = decisions.pairings
    return pairing


def kinds(pairing: Pairing, side: Side | None = None) -> set[Kind]:
    return {each.kind for each in pairing.evidence if side is None or each.side == side}


class TestCertain:
    def test_the_only_candidate_for_the_only_repair_whose_original_left_as_it_came(self):
        pairing = only(decided([came()], [sent()]))
        assert pairing.certain
        assert Kind.ONLY_ONE in kinds(pairing)
        assert not kinds(pairing, Side.AGAINST)

    @pytest.mark.parametrize(
        "left", [APPEARED - 6 * DAY, APPEARED - HOUR, APPEARED + HOUR, APPEARED + 6 * DAY]
    )
    def test_the_original_may_leave_before_and_after(self, left):
        assert certain([came()], [sent(left=left)])

    def test_told_by_the_management_service_though_the_original_is_listed_and_others_fit_too(self):
        assert certain(
            [came(replaces=Serial("OLD")), came("NEW2")],
            [sent(left=None), sent("OLD2", left=None)],
        ) == {("OLD", "NEW")}

    def test_the_repair_number_though_the_original_is_listed_and_others_fit_too(self):
        assert certain(
            [came(order_number="R318845520"), came("NEW2")],
            [sent(left=None, repair_number="R318845520"), sent("OLD2", left=None)],
        ) == {("OLD", "NEW")}

    def test_what_is_left_once_the_named_ones_are_paired(self):
        assert certain([came(replaces=Serial("OLD")), came("NEW2")], [sent(), sent("OLD2")]) == {
            ("OLD", "NEW"),
            ("OLD2", "NEW2"),
        }

    def test_each_of_its_own_kind(self):
        assert certain([came(), came("NEW2", SILVER)], [sent(), sent("OLD2", SILVER)]) == {
            ("OLD", "NEW"),
            ("OLD2", "NEW2"),
        }

    def test_beside_a_reseller_s_delivery_of_like_devices_whose_orders_begin_with_r(self):
        delivery = [came(f"SOLD{n}", order_number=f"R{n}", purchase_source="RESELLER") for n in range(30)]
        assert certain([came(), *delivery], [sent()]) == {("OLD", "NEW")}

    def test_beside_repairs_of_another_kind_that_are_still_listed(self):
        assert certain([came()], [sent(), sent("OLD2", SILVER, left=None)]) == {("OLD", "NEW")}

    def test_a_part_number_that_marks_a_replacement_is_the_same(self):
        pairing = only(decided([came(look=BLUE._replace(part_number="NPQ13LL/A"))], [sent()]))
        assert pairing.certain
        assert Kind.SAME_PART in kinds(pairing)

    def test_another_part_number_alone_asks_nobody(self):
        assert certain([came(look=BLUE._replace(part_number="661-12345"))], [sent()])


class TestAsked:
    @pytest.mark.parametrize("look", [SILVER, BIGGER, CELLULAR])
    def test_another_kind_of_unit_came(self, look):
        pairing = only(decided([came(look=look)], [sent()]))
        assert not pairing.certain
        assert kinds(pairing, Side.AGAINST) & {Kind.OTHER_COLOR, Kind.OTHER_CAPACITY, Kind.OTHER_MODEL}

    @pytest.mark.parametrize(
        "named",
        [{"replaces": Serial("OLD")}, {"order_number": "R318845520"}],
    )
    def test_what_is_named_looks_different(self, named):
        assert not only(decided([came(look=SILVER, **named)], [sent(repair_number="R318845520")])).certain

    def test_the_original_is_still_listed(self):
        pairing = only(decided([came()], [sent(left=None)]))
        assert not pairing.certain
        assert Kind.STILL_LISTED in kinds(pairing)

    def test_the_original_had_left_before_it_was_shipped(self):
        pairing = only(decided([came(at=SHIPPED + 2 * DAY)], [sent(left=SHIPPED - HOUR)]))
        assert not pairing.certain
        assert Kind.LEFT_BEFORE_SHIPPED in kinds(pairing)

    def test_the_original_left_at_quite_another_time(self):
        assert not only(decided([came(at=SHIPPED + 30 * DAY)], [sent(left=SHIPPED + 2 * DAY)])).certain

    def test_a_device_without_an_incident_left_as_well(self):
        stray = Stray(unit("STRAY", CELLULAR), Leaving.at(APPEARED - 9 * DAY))
        pairing = only(decided([came()], [sent()], [stray]))
        assert not pairing.certain
        assert Evidence(Kind.OTHERS_THAT_LEFT, others=("STRAY",)) in pairing.evidence

    def test_a_like_repair_is_still_at_apple(self):
        decisions = decided([came()], [sent(), sent("OLD2", left=None)])
        assert not decisions.certain
        assert decisions.pairings[0].original == "OLD"
        assert decisions.repairs == {sent("OLD2").incident: Unpaired.FITS_ANOTHER_BETTER}

    def test_a_repair_that_was_written_down_only_after_the_candidate_came(self):
        late = sent("LATE", shipped_at=APPEARED + DAY)
        decisions = decided([came()], [sent(), late])
        assert not decisions.certain
        assert only(decisions).original == "OLD"

    def test_two_like_candidates(self):
        assert not decided([came(), came("NEW2")], [sent()]).certain

    @pytest.mark.parametrize("source", ["RESELLER", "MANUALLY_ADDED"])
    def test_it_was_not_apple_that_sent_it(self, source):
        assert not only(decided([came(purchase_source=source)], [sent()])).certain

    def test_it_was_ordered_before_the_original_was_shipped(self):
        assert not only(decided([came(ordered_at=SHIPPED - 2 * DAY)], [sent()])).certain

    @pytest.mark.parametrize("order", ["R-318845", "RE318845520", ""])
    def test_the_order_number_has_another_form(self, order):
        assert not only(decided([came(order_number=order)], [sent()])).certain

    def test_the_incident_has_another_repair_number(self):
        assert not only(
            decided([came(order_number="R318845520")], [sent(repair_number="R318845521")])
        ).certain

    def test_a_repair_number_of_another_form_says_nothing(self):
        assert certain([came()], [sent(repair_number="G204417733")])

    def test_a_number_that_stands_on_two_incidents(self):
        twice = [sent(repair_number="R318845520"), sent("OLD2", repair_number="R318845520")]
        assert not decided([came(order_number="R318845520")], twice).certain

    def test_two_that_are_told_to_replace_the_same_device(self):
        assert not decided(
            [came(replaces=Serial("OLD")), came("NEW2", replaces=Serial("OLD"))], [sent()]
        ).certain

    def test_two_incidents_of_the_same_device(self):
        assert not decided([came(replaces=Serial("OLD"))], [sent(incident=1), sent(incident=2)]).certain

    def test_another_candidate_of_another_kind_came_just_as_the_original_left(self):
        late = came("LATE", at=APPEARED + 5 * DAY)
        assert not certain([came(look=SILVER), late], [sent()])


class TestNever:
    @pytest.mark.parametrize(
        ("candidate", "repair", "refused", "never"),
        [
            (came(look=MAC, family="Mac"), sent(), [], Never.OTHER_FAMILY),
            (came(at=SHIPPED - HOUR), sent(), [], Never.APPEARED_BEFORE_SHIPPED),
            (came(), sent(), [Pair(Serial("OLD"), Serial("NEW"))], Never.REFUSED),
            (came(replaces=Serial("OLD")), sent(), [Pair(Serial("OLD"), Serial("NEW"))], Never.REFUSED),
            (came(replaces=Serial("ANOTHER")), sent(), [], Never.TOLD_TO_REPLACE_ANOTHER),
            (came(at=SHIPPED + 200 * DAY), sent(left=None), [], Never.TOO_LONG_AFTER),
            (came(), sent(left=None, fate=Fate.NEVER_LISTED), [], Never.NEVER_LISTED),
            (came("OLD"), sent(), [], Never.THE_SAME_DEVICE),
            (came(purchase_source="RESELLER"), sent(left=None), [], Never.TOO_LITTLE),
        ],
    )
    def test_a_pairing_that_is_not_even_suggested(self, candidate, repair, refused, never):
        decisions = decided([candidate], [repair], refused=refused)
        assert not decisions.pairings
        assert repair.incident in decisions.repairs
        assert candidate.unit.serial in decisions.candidates
        situation = Situation((candidate,), (repair,), refused=frozenset(refused))
        assert Scales(situation).weigh(candidate, repair) == never

    def test_a_device_that_is_told_about_keeps_others_from_its_original(self):
        assert certain([came(), came("NEW2", replaces=Serial("OLD"))], [sent()]) == {("OLD", "NEW2")}

    def test_nothing_has_come_yet(self):
        assert decided([], [sent()]).repairs == {sent().incident: Unpaired.NOTHING_CAME}


def test_in_a_batch_the_whole_assignment_is_suggested_and_not_each_one_s_best() -> None:
    """Both candidates are nearest to the first original's leaving; together they fit as they came."""
    originals = [sent("A", left=APPEARED), sent("B", left=APPEARED - 40 * HOUR)]
    candidates = [came("NEW", at=APPEARED + HOUR), came("NEW2", at=APPEARED - 10 * HOUR)]
    decisions = decided(candidates, originals)
    first = {(each.original, each.replacement) for each in decisions.pairings if each.rank == 0}
    assert first == {("A", "NEW"), ("B", "NEW2")}
    assert {each.rank for each in decisions.pairings} == {0, 1}


looks = st.sampled_from([BLUE, SILVER, BIGGER, CELLULAR, Look()])
families = st.sampled_from(["iPad", "iPad", "iPad", "Mac", ""])
moments = st.integers(-30, 60).map(lambda days: SHIPPED + days * DAY) | st.integers(-40, 200).map(
    lambda hours: SHIPPED + hours * HOUR
)
leavings = moments.map(Leaving.at) | st.tuples(moments, st.integers(1, 48)).map(
    lambda told: Leaving(told[0], told[0] + told[1] * HOUR)
)
numbers = st.sampled_from(["", "R100000001", "R100000002", "G204417733", "R-17"])


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    candidates = tuple(
        Candidate(
            unit(f"N{n}", draw(looks), draw(families)),
            draw(moments),
            draw(numbers) or f"R20000000{n}",
            draw(st.none() | moments),
            draw(st.sampled_from(["APPLE", "APPLE", "", "RESELLER"])),
            draw(st.none() | st.none() | st.sampled_from(["O0", "O1", "ELSE"]).map(Serial)),
        )
        for n in range(draw(st.integers(0, 4)))
    )
    repairs = tuple(
        Repair(
            n + 1,
            unit(f"O{n}", draw(looks), draw(families)),
            draw(moments),
            draw(numbers),
            Fate.LEFT
            if (leaving := draw(st.none() | leavings))
            else draw(st.sampled_from([Fate.LISTED, Fate.UNKNOWN])),
            leaving,
        )
        for n in range(draw(st.integers(0, 4)))
    )
    strays = tuple(
        Stray(unit(f"S{n}", draw(looks), draw(families)), draw(leavings))
        for n in range(draw(st.integers(0, 2)))
    )
    pairs = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
        lambda each: Pair(Serial(f"O{each[0]}"), Serial(f"N{each[1]}"))
    )
    return Situation(candidates, repairs, strays, frozenset(draw(st.lists(pairs, max_size=2))))


def _pairs(decisions: Decisions) -> set[tuple[str, str]]:
    return {(each.original, each.replacement) for each in decisions.certain}


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_told_does_not_matter(situation: Situation, random: Random) -> None:
    def shuffled(told: tuple) -> tuple:
        return tuple(random.sample(told, len(told)))

    another = replace(
        situation,
        candidates=shuffled(situation.candidates),
        repairs=shuffled(situation.repairs),
        strays=shuffled(situation.strays),
    )
    assert decide(another) == decide(situation)


@given(situations())
def test_every_one_is_paired_once_or_said_why_not(situation: Situation) -> None:
    decisions = decide(situation)
    chosen = [each for each in decisions.pairings if each.rank == 0]
    assert len({each.replacement for each in chosen}) == len(chosen)
    assert len({each.incident for each in chosen}) == len(chosen)
    assert {each.incident for each in chosen} | set(decisions.repairs) == {
        each.incident for each in situation.repairs
    }
    paired = {each.replacement for each in decisions.pairings}
    assert paired | set(decisions.candidates) == {each.unit.serial for each in situation.candidates}
    assert not paired & set(decisions.candidates)


@given(situations())
def test_no_pairing_crosses_families_or_goes_back_in_time_or_was_refused(situation: Situation) -> None:
    candidates = {each.unit.serial: each for each in situation.candidates}
    repairs = {each.incident: each for each in situation.repairs}
    for pairing in decide(situation).pairings:
        candidate, repair = candidates[pairing.replacement], repairs[pairing.incident]
        assert len({candidate.unit.family, repair.unit.family} - {""}) <= 1
        assert candidate.appeared_at >= repair.shipped_at
        assert (pairing.original, pairing.replacement) not in situation.refused
        assert candidate.replaces in {None, pairing.original}


@given(situations())
def test_what_speaks_against_a_pairing_keeps_it_from_being_certain(situation: Situation) -> None:
    for pairing in decide(situation).certain:
        assert not kinds(pairing, Side.AGAINST)


@given(situations())
def test_one_more_candidate_makes_nothing_certain(situation: Situation) -> None:
    """Unless it is told to replace a device, or has its number, or is of a kind that was missing."""
    fewer = replace(situation, candidates=situation.candidates[:-1])
    added = situation.candidates[-1:]
    became = _pairs(decide(situation)) - _pairs(decide(fewer))
    for candidate in added:
        numbers_in_use = {each.repair_number for each in situation.repairs}
        if candidate.replaces or candidate.order_number in numbers_in_use:
            return
        own_kind = [
            other
            for other in (*situation.repairs, *situation.strays)
            if other.leaving and other.unit.look.is_like(candidate.unit.look)
        ]
        assert {new for _old, new in became} <= {candidate.unit.serial} or own_kind


@given(situations(), leavings, looks, families)
def test_one_more_device_that_left_makes_nothing_certain(situation, leaving, look, family) -> None:
    """But for another kind, which then is explained."""
    more = replace(situation, strays=(*situation.strays, Stray(unit("MORE", look, family), leaving)))
    became = _pairs(decide(more)) - _pairs(decide(situation))
    assert not became or any(look.is_like(each.unit.look) for each in situation.candidates)


@given(situations(), st.integers(0, 100))
def test_when_it_happened_does_not_matter(situation: Situation, days: int) -> None:
    later = timedelta(days=days)

    def moved(leaving: Leaving | None) -> Leaving | None:
        return leaving and Leaving(leaving.after + later, leaving.by + later)

    another = Situation(
        tuple(
            replace(
                each,
                appeared_at=each.appeared_at + later,
                ordered_at=each.ordered_at and each.ordered_at + later,
            )
            for each in situation.candidates
        ),
        tuple(
            replace(each, shipped_at=each.shipped_at + later, leaving=moved(each.leaving))
            for each in situation.repairs
        ),
        tuple(
            replace(each, leaving=Leaving(each.leaving.after + later, each.leaving.by + later))
            for each in situation.strays
        ),
        situation.refused,
    )
    assert _pairs(decide(another)) == _pairs(decide(situation))


@given(situations())
def test_deciding_again_without_what_was_applied_never_gives_an_applied_one_away(
    situation: Situation,
) -> None:
    """A night whose certain pairings are applied; the next night knows the rest alone."""
    first = decide(situation)
    taken = {each.replacement for each in first.certain} | {each.incident for each in first.certain}
    rest = replace(
        situation,
        candidates=tuple(each for each in situation.candidates if each.unit.serial not in taken),
        repairs=tuple(each for each in situation.repairs if each.incident not in taken),
    )
    for each in decide(rest).pairings:
        assert each.replacement not in taken
        assert each.incident not in taken


@given(situations())
def test_evidence_survives_being_stored_and_is_told_in_a_sentence(situation: Situation) -> None:
    for pairing in decide(situation).pairings:
        for evidence in pairing.evidence:
            assert restored(stored(evidence)) == evidence
            assert words.sentence(evidence).endswith(".")
        rows = [stored(each) for each in pairing.evidence]
        told = [sentence for side in Side for sentence in words.sentences(rows, side)]
        assert sorted(told) == sorted(words.sentences(rows))


def test_everything_there_is_has_words() -> None:
    for kind in Kind:
        assert words.sentence(Evidence(kind, "1", "2", APPEARED, 5, ("X", "Y"))).endswith(".")
    assert all(words.why_never(each).endswith(".") for each in Never)


def test_evidence_of_a_newer_version_is_passed_over() -> None:
    assert words.sentences([{"kind": "what_is_to_come"}, {"kind": "from_apple"}]) == ["It comes from Apple."]


def test_orders_of_the_past_are_not_weighed_against_each_repair() -> None:
    """200 open repairs and 5,000 orders of the past: only what came within a repair's own months is looked at."""
    random = Random(7)
    start = SHIPPED - 1000 * DAY
    past = [
        came(f"P{n}", at=start + random.uniform(0, 1000) * DAY, order_number=f"R{n}") for n in range(5_000)
    ]
    repairs = [
        sent(f"O{n}", left=None, incident=n, shipped_at=SHIPPED - random.uniform(0, 30) * DAY)
        for n in range(200)
    ]
    assert decided(past, repairs).weighed <= 200 * 5 * 30
