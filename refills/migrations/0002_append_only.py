"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("refills", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("refills_fill"),
        append_only.protect("refills_fillcorrection"),
    ]
