"""Whole histories with a known truth: no wrong pairing is applied by itself, and nearly all that a person could decide."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

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
from homeroom.applesync.replacements.matching import Decisions, Pairing, decide
from tests.applesync.replacement_histories import History, Seen, SeenDevice, Special, history, seen

A_WEEK = timedelta(days=7)
THREE_WEEKS = timedelta(days=21)
A_DAY = timedelta(days=1)


@dataclass
class Tally:
    histories: int = 0
    replaced: int = 0
    """Replacements of devices with an incident."""
    applied: int = 0
    decidable: int = 0
    at_once: int = 0
    """Decidable ones that were applied in the same night."""
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    told_in_batches: int = 0
    listed_first: int = 0
    batches_right: Counter[bool] = field(default_factory=Counter)
    specials: Counter[Special] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [
            f"{self.histories} histories, {self.replaced} replacements of devices with an incident",
            f"applied by themselves: {self.applied}, wrong: {len(self.wrong)}",
            (
                f"a careful person could decide {self.decidable}, of which at once: {self.at_once}"
                f" ({self.at_once / max(1, self.decidable):.1%})"
            ),
            (
                f"told by the facts in batches: {self.told_in_batches}, listed first: {self.listed_first}"
                f" (right in the end: {self.batches_right[True]} of {self.batches_right.total()})"
            ),
            *(f"{count:6} {special}" for special, count in self.specials.most_common()),
            *(f"wrong: {each}" for each in self.wrong[:20]),
            *(f"missed: {each}" for each in self.missed[:20]),
        ]
        return "\n".join(lines)


def live_through(told: History, tally: Tally) -> None:
    """Night by night as Homeroom lives it: certain pairings are applied; people decide some of the others later."""
    random = Random(told.seed)
    truth = told.truth
    decided: dict[str, str] = {}
    refused: set[Pair] = set()
    suggested: defaultdict[tuple[str, str], int] = defaultdict(int)
    known: set[tuple[str, str]] = set()
    for night in told.nights():
        now = seen(told, night, decided)
        decisions = decide(_situation(now, refused))
        person = CarefulPerson(now)
        certain = {(each.replacement, each.original) for each in decisions.certain}
        for pair in person.decidable() - known - {(new, old) for old, new in refused}:
            known.add(pair)
            tally.decidable += 1
            tally.at_once += pair in certain
            if pair not in certain:
                tally.missed.append(f"seed {told.seed}, {night:%m-%d}: {pair[1]} -> {pair[0]}")
        _look_at_the_lists(told, now, decisions, person, tally)
        for each in decisions.certain:
            decided[each.replacement] = each.original
            tally.applied += 1
            if truth.get(each.replacement) != each.original:
                wrong = (
                    f"seed {told.seed}, {night:%m-%d}: {each.original} -> {each.replacement}, {_words(each)}"
                )
                tally.wrong.append(wrong)
        if told.tended:
            _tend(decisions, truth, decided, refused, suggested, random)


def _words(pairing: Pairing) -> str:
    return " ".join(each.kind for each in pairing.evidence)


def _tend(decisions, truth, decided, refused, suggested, random: Random) -> None:
    """A person looks at what is to review now and then, and is right."""
    for each in decisions.to_review:
        pair = (each.original, each.replacement)
        suggested[pair] += 1
        if each.rank or suggested[pair] < 3 or random.random() < 0.8:
            continue
        right = truth.get(each.replacement)
        if right == each.original:
            if each.replacement not in decided and each.original not in decided.values():
                decided[each.replacement] = each.original
        else:
            refused.add(Pair(Serial(each.original), Serial(each.replacement)))


class CarefulPerson:
    """Decides alone where only one explanation is left of all that can be seen.

    Knows that a replacement has an order number of R and digits, that Apple sends it and no reseller, and only after
    the device was shipped; that the original leaves Apple's list at about that time, within a week, though it may
    have been up to three; that a device may be sent without an incident, or be written down late; that another kind
    is sent only where there is none of the kind. A number or the management service names the other side; but not if
    what it names looks different.
    """

    def __init__(self, now: Seen) -> None:
        self.now = now
        self.told = Counter(each.replaces for each in now.new if each.replaces)
        self.orders = Counter(each.order for each in now.new)
        self.numbers = Counter(each.repair_number for each in now.at_apple)
        self.originals = Counter(each.original.serial for each in now.at_apple)
        self.sent = {each.original.serial: each.sent for each in now.at_apple}

    def decidable(self) -> set[tuple[str, str]]:
        named = self._named()
        settled = {new for new, _ in named} | {old for _, old in named}
        return named | self._alone(settled)

    def _named(self) -> set[tuple[str, str]]:
        pairs = set()
        for incident in self.now.at_apple:
            old = incident.original
            for new in self.now.new:
                is_told = new.replaces == old.serial and self.told[old.serial] == 1
                has_number = (
                    not new.replaces
                    and not self.told[old.serial]
                    and new.order == incident.repair_number
                    and self.orders[new.order] == self.numbers[new.order] == 1
                )
                if (
                    (is_told or has_number)
                    and self.originals[old.serial] == 1
                    and self._nothing_against(new, incident)
                ):
                    pairs.add((new.serial, old.serial))
        return pairs

    def _nothing_against(self, new: SeenDevice, incident) -> bool:
        old, sent = incident.original, incident.sent
        number = incident.repair_number
        return (
            new.family == old.family
            and _unlike(new, old) == set()
            and new.source not in {"RESELLER", "MANUALLY_ADDED"}
            and sent <= new.added
            and not (new.ordered and new.ordered < sent - A_DAY)
            and not (old.left and old.left[1] < sent)
            and not (number and number != new.order and (_is_repair_order(number) or self.numbers[new.order]))
            and not (self.numbers[new.order] and number != new.order)
            and self.orders[new.order] == 1
        )

    def _alone(self, settled: set[str]) -> set[tuple[str, str]]:
        pairs = set()
        for incident in self.now.at_apple:
            old = incident.original
            if old.serial in settled or self.originals[old.serial] > 1 or self.told[old.serial]:
                continue
            for new in self.now.new:
                if new.serial in settled or new.replaces or not self._came_when_it_left(new, old):
                    continue
                if not (_is_repair_order(new.order) and self._nothing_against(new, incident)):
                    continue
                if self._could_it_replace(new, settled) == {old.serial} and self._could_replace_it(
                    old, settled
                ) == {new.serial}:
                    pairs.add((new.serial, old.serial))
        return pairs

    def _came_when_it_left(self, new: SeenDevice, old: SeenDevice) -> bool:
        if old.left is None or old.left[1] < self.sent[old.serial]:
            return False
        first, last = old.left
        return new.added - first <= A_WEEK and last - new.added <= A_WEEK

    def _could_it_replace(self, new: SeenDevice, settled: set[str]) -> set[str]:
        could = set()
        for old in [*self.now.lost, *(each.original for each in self.now.at_apple)]:
            if old.serial in settled or old.family != new.family or old.serial == new.serial:
                continue
            if (
                old.left
                and _apart(old, new) <= THREE_WEEKS
                and (not _unlike(old, new) or not self._has_come(old, settled))
            ):
                could.add(old.serial)
            at_apple = old.serial in self.sent and self.sent[old.serial] <= new.added
            if (
                at_apple
                and not old.left
                and not _unlike(old, new)
                and new.added - self.sent[old.serial] <= timedelta(days=60)
            ):
                could.add(old.serial)
        return could

    def _has_come(self, old: SeenDevice, settled: set[str]) -> bool:
        """Whether Apple had one of the kind to send."""
        return any(
            self._looks_like_a_replacement(each) and _alike(each, old) and _apart(old, each) <= THREE_WEEKS
            for each in self.now.new
            if each.serial not in settled
        )

    def _could_replace_it(self, old: SeenDevice, settled: set[str]) -> set[str]:
        return {
            new.serial
            for new in self.now.new
            if self._looks_like_a_replacement(new) and new.serial not in settled and not new.replaces
            if new.family == old.family and new.serial != old.serial
            if _apart(old, new) <= THREE_WEEKS and not _unlike(old, new)
        }

    @staticmethod
    def _looks_like_a_replacement(new: SeenDevice) -> bool:
        """An old one that was added again has an order of long ago."""
        is_old = new.ordered and new.added - new.ordered > timedelta(days=60)
        return _is_repair_order(new.order) and new.source not in {"RESELLER", "MANUALLY_ADDED"} and not is_old


def _is_repair_order(number: str) -> bool:
    return number[:1] == "R" and number[1:].isdigit()


def _apart(old: SeenDevice, new: SeenDevice) -> timedelta:
    assert old.left
    first, last = old.left
    return max(first - new.added, new.added - last, timedelta(0))


def _unlike(one: SeenDevice, other: SeenDevice) -> set[str]:
    """In what two devices are known to differ."""
    return {
        name
        for name in ("product_type", "capacity", "color")
        if getattr(one, name) and getattr(other, name) and getattr(one, name) != getattr(other, name)
    }


def _alike(one: SeenDevice, other: SeenDevice) -> bool:
    return (one.product_type, one.capacity, one.color) == (other.product_type, other.capacity, other.color)


def _look_at_the_lists(
    told: History, now: Seen, decisions: Decisions, person: CarefulPerson, tally: Tally
) -> None:
    """In a batch, the pairing that the moments tell is to be listed first: within a day, and nothing else in a week."""
    boxes = Counter(case.batch for case in told.cases if case.batch)
    in_box = {case.original for case in told.cases if case.batch and boxes[case.batch] > 1}
    first = {each.replacement: each.original for each in decisions.to_review if each.rank == 0}
    left = [each.original for each in now.at_apple if each.original.left]
    for old in left:
        if old.serial not in in_box or person.originals[old.serial] > 1 or person.told[old.serial]:
            continue
        for new in now.new:
            if new.serial not in first or _apart(old, new) > A_DAY or _unlike(old, new) or new.replaces:
                continue
            if old.left[1] < person.sent[old.serial] or new.added < person.sent[old.serial]:
                continue
            others = [each for each in left if each is not old and _apart(each, new) <= A_WEEK]
            others += [each for each in now.new if each is not new and _apart(old, each) <= A_WEEK]
            if not others and not any(each.repair_number for each in now.at_apple if each.original is old):
                tally.told_in_batches += 1
                tally.listed_first += first[new.serial] == old.serial
                tally.batches_right[told.truth.get(new.serial) == first[new.serial]] += 1


def _situation(now: Seen, refused: set[Pair]) -> Situation:
    return Situation(
        candidates=tuple(
            Candidate(
                unit=_unit(each),
                appeared_at=each.added,
                order_number=each.order,
                ordered_at=each.ordered,
                purchase_source=each.source,
                replaces=Serial(each.replaces) if each.replaces else None,
            )
            for each in now.new
        ),
        repairs=tuple(
            Repair(
                incident=each.number,
                unit=_unit(each.original),
                shipped_at=each.sent,
                repair_number=each.repair_number,
                fate=Fate.LEFT if each.original.left else Fate.LISTED,
                leaving=Leaving(*each.original.left) if each.original.left else None,
            )
            for each in now.at_apple
        ),
        strays=tuple(Stray(_unit(each), Leaving(*each.left)) for each in now.lost if each.left),
        refused=frozenset(refused),
    )


def _unit(device: SeenDevice) -> Unit:
    look = Look(device.model, device.product_type, device.part, device.capacity, device.color)
    return Unit(Serial(device.serial), device.family, look)


def tally_of(seeds: range) -> Tally:
    tally = Tally()
    for seed in seeds:
        told = history(seed)
        tally.histories += 1
        tally.replaced += sum(1 for case in told.cases if case.number and case.replacement)
        tally.specials.update(told.specials)
        live_through(told, tally)
    return tally


def _assert_it_holds(tally: Tally) -> None:
    assert not tally.wrong, tally
    assert tally.at_once >= 0.95 * tally.decidable, tally
    assert tally.listed_first == tally.told_in_batches, tally


def test_nothing_wrong_is_applied_in_a_thousand_histories_and_what_is_clear_is_applied_at_once() -> None:
    tally = tally_of(range(1_000))
    _assert_it_holds(tally)
    assert tally.decidable > 500, tally
    assert tally.told_in_batches > 50, tally
    assert not {special for special in Special if tally.specials[special] < 200}, tally


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_nor_in_fifty_thousand() -> None:
    _assert_it_holds(tally_of(range(1_000, 51_000)))
