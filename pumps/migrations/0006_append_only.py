"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("pumps", "0005_explants_are_withdrawn"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("pumps_explantwithdrawal"),
    ]
