"""The database itself refuses to change a consent."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("patients", "0002_reminders"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("patients_contactconsent"),
        append_only.protect("patients_consentwithdrawal"),
    ]
