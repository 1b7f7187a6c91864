"""The database itself refuses to change these facts."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        append_only.make_function(),
        append_only.protect("accounts_auditevent"),
    ]
