"""Insurance from the sync can't be changed by any way in but the sync's own verb."""

from collections.abc import Callable
from datetime import date

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core import serializers
from django.core.management import call_command
from django.db import transaction
from django.db.models import Value
from django.test import Client
from django.urls import reverse

from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance import verbs
from homeroom.insurance.models import InsuranceRecord, Source, SyncedInsuranceIsReadOnly
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.devices import delete_device
from homeroom.web.errors import Refused
from tests.builders import make_device
from tests.insurance.records import make_synced_record

pytestmark = pytest.mark.django_db
SENTENCE = "Change the coverage in Apple School Manager"
OTHER_DAY = date(2031, 1, 1)


@pytest.fixture
def record() -> InsuranceRecord:
    return make_synced_record(make_device())


def saved(record: InsuranceRecord) -> None:
    record.ends = OTHER_DAY
    record.save()


def saved_as_manual(record: InsuranceRecord) -> None:
    record.source = Source.MANUAL
    record.apple_id = None
    record.save()


def saved_one_field(record: InsuranceRecord) -> None:
    record.ends = OTHER_DAY
    record.save(update_fields=["ends"])


def saved_under_its_key(record: InsuranceRecord) -> None:
    InsuranceRecord(pk=record.pk, device=record.device, provider="x", source=Source.MANUAL).save()


def bulk_updated(record: InsuranceRecord) -> None:
    record.ends = OTHER_DAY
    InsuranceRecord.objects.bulk_update([record], ["ends"])


def bulk_upserted(record: InsuranceRecord) -> None:
    InsuranceRecord.objects.bulk_create(
        [InsuranceRecord(pk=record.pk, device=record.device, provider="x")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["provider"],
    )


def bulk_upserted_by_apples_id(record: InsuranceRecord) -> None:
    InsuranceRecord.objects.bulk_create(
        [InsuranceRecord(device=record.device, apple_id=record.apple_id, provider="x")],
        update_conflicts=True,
        unique_fields=["device", "apple_id"],
        update_fields=["provider"],
    )


def forged_by_bulk_update(record: InsuranceRecord) -> None:
    manual = verbs.create_insurance(record.device, actor=COMMAND_LINE, provider="District")
    manual.source, manual.apple_id = Source.APPLECARE_SYNC, "forged"
    InsuranceRecord.objects.bulk_update([manual], ["source", "apple_id"])


def forged_by_an_expression(record: InsuranceRecord) -> None:
    manual = verbs.create_insurance(record.device, actor=COMMAND_LINE, provider="District")
    InsuranceRecord.objects.filter(pk=manual.pk).update(
        source=Value(Source.APPLECARE_SYNC.value), apple_id=Value("forged")
    )


def bulk_updated_asynchronously(record: InsuranceRecord) -> None:
    record.ends = OTHER_DAY
    async_to_sync(InsuranceRecord.objects.all().abulk_update)([record], ["ends"])


def updated_or_created_asynchronously(record: InsuranceRecord) -> None:
    async_to_sync(InsuranceRecord.objects.all().aupdate_or_create)(pk=record.pk, defaults={"ends": OTHER_DAY})


def loaded_from_a_fixture(record: InsuranceRecord) -> None:
    record.ends = OTHER_DAY
    text = serializers.serialize("json", [record])
    for loaded in serializers.deserialize("json", text):
        loaded.save()


ATTEMPTS: list[Callable[[InsuranceRecord], object]] = [
    saved,
    saved_as_manual,
    saved_one_field,
    saved_under_its_key,
    bulk_updated,
    bulk_upserted,
    bulk_upserted_by_apples_id,
    forged_by_bulk_update,
    forged_by_an_expression,
    bulk_updated_asynchronously,
    updated_or_created_asynchronously,
    loaded_from_a_fixture,
    InsuranceRecord.delete,
    lambda record: async_to_sync(record.asave)(),
    lambda record: async_to_sync(InsuranceRecord.objects.all().adelete)(),
    lambda record: async_to_sync(record.adelete)(),
    lambda record: InsuranceRecord.objects.update(ends=OTHER_DAY),
    lambda record: async_to_sync(InsuranceRecord.objects.all().aupdate)(ends=OTHER_DAY),
    lambda record: InsuranceRecord.objects.filter(pk=record.pk).delete(),
    lambda record: InsuranceRecord.objects.all()[:1].get().delete(),
    lambda record: InsuranceRecord._base_manager.update(ends=OTHER_DAY),
    lambda record: InsuranceRecord._base_manager.all().delete(),
    lambda record: InsuranceRecord._default_manager.all().delete(),
    lambda record: InsuranceRecord.objects.update_or_create(pk=record.pk, defaults={"ends": OTHER_DAY}),
    lambda record: InsuranceRecord.objects.create(
        device=record.device, provider="x", source=Source.APPLECARE_SYNC, apple_id="forged"
    ),
    lambda record: InsuranceRecord.objects.get_or_create(
        device=record.device, apple_id="forged", defaults={"source": Source.APPLECARE_SYNC}
    ),
    lambda record: InsuranceRecord.objects.bulk_create(
        [InsuranceRecord(device=record.device, source=Source.APPLECARE_SYNC, apple_id="forged")]
    ),
    lambda record: record.device.insurance_records.update(ends=OTHER_DAY),
    lambda record: record.device.insurance_records.all().delete(),
    lambda record: record.device.insurance_records.create(source=Source.APPLECARE_SYNC, apple_id="forged"),
    lambda record: make_device().insurance_records.add(record),  # noqa: PLW0108 - the device is made in the test
    lambda record: make_device().insurance_records.add(record, bulk=False),
    lambda record: make_device().insurance_records.set([record]),
    lambda record: record.device.insurance_records.update_or_create(
        pk=record.pk, defaults={"ends": OTHER_DAY}
    ),
    lambda record: record.device.delete(),
    lambda record: Device.objects.filter(pk=record.device_id).delete(),
    lambda record: delete_device(record.device, actor=COMMAND_LINE),
    lambda record: verbs.update_insurance(record, actor=COMMAND_LINE, ends=OTHER_DAY),
    lambda record: verbs.delete_insurance(record, actor=COMMAND_LINE),
    lambda record: verbs.create_insurance(
        record.device, actor=COMMAND_LINE, provider="x", source=Source.APPLECARE_SYNC
    ),
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_each_attempt_is_refused_with_a_clear_sentence(
    record: InsuranceRecord, attempt: Callable[[InsuranceRecord], object]
) -> None:
    before = InsuranceRecord.objects.values().get()
    with pytest.raises(Refused) as refusal, transaction.atomic():
        attempt(InsuranceRecord.objects.get(pk=record.pk))
    assert len(refusal.value.sentence) > 40
    assert InsuranceRecord.objects.values().get() == before


def test_a_device_has_no_way_to_let_go_of_its_records(record: InsuranceRecord) -> None:
    for name in ("clear", "remove"):
        assert not hasattr(record.device.insurance_records, name)


def test_the_sentence_says_where_to_change_it() -> None:
    assert SENTENCE in str(SyncedInsuranceIsReadOnly())


@pytest.mark.parametrize("name", ["edit", "delete"])
def test_a_crafted_post_is_refused(record: InsuranceRecord, as_administrator: Client, name: str) -> None:
    before = InsuranceRecord.objects.values().get()
    answer = as_administrator.post(
        reverse(f"insurance:{name}", args=[record.pk]),
        {"provider": "x", "kind": "other", "source": "manual", "ends": "2031-01-01"},
    )
    assert answer.status_code == 409
    assert SENTENCE in answer.content.decode()
    assert InsuranceRecord.objects.values().get() == before


def test_a_crafted_post_cannot_forge_a_synced_record(as_administrator: Client) -> None:
    device = make_device()
    as_administrator.post(
        reverse("insurance:new", args=[device.pk]),
        {"provider": "x", "kind": "applecare", "source": "applecare_sync", "apple_id": "forged"},
    )
    assert InsuranceRecord.objects.get().source == Source.MANUAL


def test_there_is_no_admin_site_to_change_it_in() -> None:
    assert not apps.is_installed("django.contrib.admin")


def test_a_dump_that_is_loaded_again_is_refused_as_well(record: InsuranceRecord, tmp_path) -> None:
    path = tmp_path / "dump.json"
    call_command("dumpdata", "insurance.insurancerecord", output=str(path))
    with pytest.raises(Refused, match=SENTENCE), transaction.atomic():
        call_command("loaddata", str(path), verbosity=0)


def test_manual_records_of_the_same_device_can_be_changed(record: InsuranceRecord) -> None:
    manual = verbs.create_insurance(record.device, actor=COMMAND_LINE, provider="District")
    verbs.update_insurance(manual, actor=COMMAND_LINE, ends=OTHER_DAY)
    verbs.delete_insurance(manual, actor=COMMAND_LINE)
    assert list(InsuranceRecord.objects.all()) == [record]
