"""What the cover of a device means for the bill, in a sentence for the person at the desk."""

from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from homeroom.incidents.models import Incident
from homeroom.insurance.models import InsuranceRecord, Kind
from homeroom.insurance.panels import Coverage, coverages_of
from homeroom.insurance.queries import record_status, today
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.models import Device

NOT_APPLES = frozenset({Device.ProductFamily.CHROMEBOOK, Device.ProductFamily.WINDOWS})
AWAY = frozenset({Incident.Kind.LOST, Incident.Kind.STOLEN})
"""Kinds of incident with no device to send."""


@dataclass(frozen=True, slots=True)
class Advice:
    """`covered` is True only where AppleCare pays today; `more` tells of other cover that helps."""

    state: CoverageState
    sentence: str
    more: tuple[str, ...] = ()

    @property
    def covered(self) -> bool:
        return self.state == CoverageState.COVERED

    @property
    def known(self) -> bool:
        return self.state != CoverageState.UNKNOWN


def advice(device: Device, kind: str = "", *, sent: bool = False) -> Advice:
    """Of a device; of the kind of incident, and whether it was sent to Apple, where that is known.

    Two queries. Takes no viewer.
    """
    records = list(InsuranceRecord.objects.filter(device=device).annotate(status=record_status(today())))
    applecare, warranty = coverages_of(device, records)
    more = [*_warranty(warranty, kind), *_other_insurance(records)]
    covered = applecare.state == CoverageState.COVERED
    sentence = _covered(applecare, kind, sent=sent) if covered else _not_covered(device, applecare)
    return Advice(applecare.state, sentence, tuple(more))


def _not_covered(device: Device, applecare: Coverage) -> str:
    match applecare.state:
        case CoverageState.ENDED:
            return _("AppleCare ended on %(day)s: Apple charges for a repair.") % {
                "day": _day(applecare.until)
            }
        case CoverageState.NONE:
            return _("No AppleCare, as Apple said on %(day)s: Apple charges for a repair.") % {
                "day": _day(applecare.last_checked and timezone.localdate(applecare.last_checked))
            }
        case _ if device.product_family in NOT_APPLES:
            return _("Not a device of Apple's: AppleCare does not apply.")
        case _ if applecare.failure:
            return _("Whether it has AppleCare is not known: the last check failed. Do not bill anybody yet.")
        case _:
            return _(
                "Whether it has AppleCare is not known: Apple has not been asked. Do not bill anybody yet."
            )


def _covered(applecare: Coverage, kind: str, *, sent: bool) -> str:
    told = {"plan": applecare.plan or "AppleCare", "day": _day(applecare.until)}
    if kind in AWAY:
        if applecare.until is None:
            return _("%(plan)s, without an end date. Whether it pays for a loss, its terms say.") % told
        return _("%(plan)s until %(day)s. Whether it pays for a loss, its terms say.") % told
    if sent and applecare.until is None:
        return _("%(plan)s, without an end date: do not bill the family.") % told
    if sent:
        return _("%(plan)s until %(day)s: do not bill the family.") % told
    if applecare.until is None:
        return _("%(plan)s, without an end date: do not bill the family, send it to Apple.") % told
    return _("%(plan)s until %(day)s: do not bill the family, send it to Apple.") % told


def _warranty(warranty: Coverage, kind: str) -> list[str]:
    """Worth telling where a defect is possible."""
    if warranty.state != CoverageState.COVERED or kind in AWAY | {Incident.Kind.LIQUID}:
        return []
    if warranty.until is None:
        return [_("Apple's limited warranty holds: it pays for defects, not for damage.")]
    told = {"day": _day(warranty.until)}
    return [_("Apple's limited warranty until %(day)s: it pays for defects, not for damage.") % told]


def _other_insurance(records: list[InsuranceRecord]) -> list[str]:
    return [
        _("Also insured: %(record)s.") % {"record": ", ".join(filter(None, (record.provider, record.plan)))}
        for record in records
        if record.kind == Kind.OTHER and record.status == "active"  # type: ignore[attr-defined]
    ]


def _day(day: date | None) -> str:
    return "" if day is None else date_format(day, "DATE_FORMAT")
