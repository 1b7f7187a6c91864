"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("alarms", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("alarms_settlement"),
        append_only.protect("alarms_exclusion"),
        append_only.protect("alarms_exclusionend"),
    ]
