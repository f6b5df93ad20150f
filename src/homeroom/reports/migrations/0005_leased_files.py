from django.db import migrations, models

FENCE = models.PositiveIntegerField(
    default=0, help_text="Grows with each process that takes it; what a former one has to say is refused."
)
LEASE = models.DateTimeField(
    null=True, help_text="Unless renewed, it is given up. A dead process on this host is seen at once."
)
PROCESS = models.JSONField(null=True, help_text="The process that works on it.")


class Migration(migrations.Migration):
    dependencies = [("reports", "0004_report_schedules")]

    operations = [
        migrations.AlterField("reportfile", "process", PROCESS),
        migrations.AlterField("reportfile", "fence", FENCE),
        migrations.AlterField("reportfile", "lease_until", LEASE),
    ]
