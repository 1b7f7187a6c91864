"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("pumps", "0003_day_one"), ("accounts", "0002_append_only")]

    operations = [
        append_only.protect("pumps_interrogationcorrection"),
    ]
