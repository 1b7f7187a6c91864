"""The summary is a kind of paper. Django's state alone: no table and no column changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("visits", "0008_imports_move_to_rosters"),
    ]

    operations = [
        migrations.AlterField(
            model_name="aftervisitsummary",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.clinic"
            ),
        ),
    ]
