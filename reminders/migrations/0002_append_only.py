"""The database itself refuses to change what was tried."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("reminders", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [append_only.protect("reminders_deliveryattempt")]
