"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("dosing", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("dosing_program"),
        append_only.protect("dosing_step"),
        append_only.protect("dosing_bolus"),
        append_only.protect("dosing_programcorrection"),
        append_only.protect("dosing_boluscorrection"),
    ]
