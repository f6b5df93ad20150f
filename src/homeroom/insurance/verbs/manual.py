"""Insurance that people enter themselves: a district's own plan, a reseller's warranty."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.insurance.models import InsuranceRecord, SyncedInsuranceIsReadOnly
from homeroom.insurance.queries import today
from homeroom.insurance.verbs.summaries import refresh_summaries
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.devices import lock_devices
from homeroom.web.errors import Refused

EDITABLE = ("provider", "plan", "agreement_number", "kind", "starts", "ends", "cancelled_on", "cost")


@transaction.atomic
def create_insurance(device: Device, *, actor: Actor, **values: Any) -> InsuranceRecord:
    """Add a manual record. `values` are those of EDITABLE; raises Refused naming a field that is wrong."""
    _refuse_unknown(values)
    lock_devices([device.pk])  # as a sync does: each counts the summary with what the other wrote
    insurance = InsuranceRecord(device=device, **values)
    _check(insurance)
    insurance.save()
    refresh_summaries([device.pk], today=today())
    record(actor, "insurance.created", insurance, after={"device": device} | values)
    return insurance


@transaction.atomic
def update_insurance(insurance: InsuranceRecord, *, actor: Actor, **values: Any) -> InsuranceRecord:
    insurance = _stored(insurance)
    _refuse_synced(insurance)
    _refuse_unknown(values)
    before = {name: getattr(insurance, name) for name in values}
    for name, value in values.items():
        setattr(insurance, name, value)
    _check(insurance)
    insurance.save()
    refresh_summaries([insurance.device_id], today=today())
    old, new = changed_values(before, values)
    if new:
        record(actor, "insurance.updated", insurance, before=old, after=new)
    return insurance


@transaction.atomic
def delete_insurance(insurance: InsuranceRecord, *, actor: Actor) -> None:
    insurance = _stored(insurance)
    _refuse_synced(insurance)
    record(
        actor, "insurance.deleted", insurance, before={name: getattr(insurance, name) for name in EDITABLE}
    )
    device_id = insurance.device_id
    insurance.delete()
    refresh_summaries([device_id], today=today())


def _stored(insurance: InsuranceRecord) -> InsuranceRecord:
    """As it stands now, and its device's to nobody else until the end of the transaction."""
    lock_devices([insurance.device_id])
    stored = InsuranceRecord.objects.select_related("device").filter(pk=insurance.pk).first()
    if stored is None:
        raise Refused(_("Somebody has deleted this record meanwhile."))
    return stored


def _refuse_synced(insurance: InsuranceRecord) -> None:
    if insurance.is_synced:
        raise SyncedInsuranceIsReadOnly


def _refuse_unknown(values: dict[str, Any]) -> None:
    for name in values:
        if name == "source":
            raise SyncedInsuranceIsReadOnly
        if name not in EDITABLE:
            raise Refused(_("“%(name)s” is not part of an insurance record.") % {"name": name}, field=name)


def _check(insurance: InsuranceRecord) -> None:
    try:
        insurance.full_clean()
    except ValidationError as error:
        name, sentences = next(iter(error.message_dict.items()))
        raise Refused(" ".join(sentences), field=name) from None
    if insurance.starts and insurance.ends and insurance.ends < insurance.starts:
        raise Refused(_("Cover can't end before it starts."), field="ends")
