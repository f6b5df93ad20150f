"""A key that is another table's."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from homeroom.insurance.models import CoverageCheck
from tests.builders import make_device

pytestmark = pytest.mark.django_db


def test_a_row_without_its_key_is_refused_and_given_to_no_other_device():
    make_device()
    with pytest.raises(IntegrityError, match="needs its device"), transaction.atomic():
        CoverageCheck(attempted_at=timezone.now()).save()
    with pytest.raises(IntegrityError, match="needs its device"), transaction.atomic():
        CoverageCheck.objects.bulk_create([CoverageCheck(attempted_at=timezone.now())])
    assert not CoverageCheck.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite stores rows")
def test_sqlite_finds_a_row_by_it_in_one_step():
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN SELECT failure FROM insurance_coveragecheck WHERE device_id = 1")
        assert "USING INTEGER PRIMARY KEY" in cursor.fetchone()[3]
