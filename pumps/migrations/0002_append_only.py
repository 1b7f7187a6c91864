"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("pumps", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("pumps_explant"),
        append_only.protect("pumps_catheter"),
        append_only.protect("pumps_interrogation"),
    ]
