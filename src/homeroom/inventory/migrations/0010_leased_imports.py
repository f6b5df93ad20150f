from django.db import migrations, models

FENCE = models.PositiveIntegerField(
    default=0, help_text="Grows with each process that takes it; what a former one has to say is refused."
)
LEASE = models.DateTimeField(
    null=True, help_text="Unless renewed, it is given up. A dead process on this host is seen at once."
)
PROCESS = models.JSONField(null=True, help_text="The process that works on it.")


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_devices_of_site")]

    operations = [
        migrations.RemoveField("importjob", "owner"),
        migrations.AddField("importjob", "process", PROCESS),
        migrations.AlterField("importjob", "fence", FENCE),
        migrations.AlterField("importjob", "lease_until", LEASE),
    ]
