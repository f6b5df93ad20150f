from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import homeroom.fields


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    """Of PostgreSQL: they fill tables that are no more. On SQLite none stands while migrations run."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE prorettype = 'trigger'::regtype"
            " AND proname LIKE 'applesync\\_%' AND pg_function_is_visible(oid)"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {name}() CASCADE")


class Migration(migrations.Migration):
    """What is kept is counted afterwards, as wherever the triggers are missing."""

    dependencies = [
        ("applesync", "0016_unlinked_near_key"),
        ("inventory", "0009_devices_of_site"),
    ]

    operations = [
        migrations.RunPython(drop_triggers, drop_triggers),
        migrations.DeleteModel(name="Unlinked"),
        migrations.RemoveIndex(model_name="appledevice", name="mirror_near_key"),
        migrations.RemoveIndex(model_name="appledevice", name="mirror_without_device"),
        migrations.RemoveIndex(model_name="appledevice", name="mirror_lacking"),
        migrations.CreateModel(
            name="NotInApple",
            fields=[
                (
                    "device",
                    homeroom.fields.SharedKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="inventory.device",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="inventory.site",
                    ),
                ),
                ("near_key", models.CharField(max_length=100, null=True)),
            ],
            options={"indexes": [models.Index(fields=["near_key"], name="not_in_apple_near_key")]},
        ),
        migrations.CreateModel(
            name="NotInInventory",
            fields=[
                (
                    "row",
                    homeroom.fields.SharedKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="not_in_inventory",
                        serialize=False,
                        to="applesync.appledevice",
                    ),
                ),
                ("serial_number", models.CharField(max_length=100)),
                ("near_key", models.CharField(max_length=100, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["serial_number", "row"], name="not_in_inventory_serial"),
                    models.Index(
                        fields=["near_key", "serial_number", "row"], name="not_in_inventory_near_key"
                    ),
                ],
            },
        ),
    ]
