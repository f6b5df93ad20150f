from typing import Any

from django.db import migrations, models


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    """Of PostgreSQL: they fill other columns than there are. On SQLite none stands while migrations run."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgname LIKE 'applesync_unlinked_%' AND pg_table_is_visible(tgrelid)"
        )
        for name, table in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name} ON {table}")


class Migration(migrations.Migration):
    """What is kept is made anew afterwards, as wherever the triggers are missing."""

    dependencies = [
        ("applesync", "0015_shared_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="unlinked",
            name="near_key",
            field=models.CharField(help_text="The device's.", max_length=100, null=True),
        ),
        migrations.RunPython(drop_triggers, drop_triggers),
    ]
