"""Every figure of the drug catalogue names its source and is plausible."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dosing", "0002_append_only")]

    operations = [
        migrations.AddConstraint(
            model_name="drugproduct",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", ""), _negated=True), name="product_has_a_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="stabilitylimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("stability_days__lte", 730)), name="stability_is_plausible"
            ),
        ),
        migrations.AddConstraint(
            model_name="stabilitylimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", ""), _negated=True),
                name="stability_limit_has_a_source",
            ),
        ),
    ]
