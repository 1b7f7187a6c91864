from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("visits", "0007_dates_before_and_after_a_visit")]

    # The tables stay as they are; only the app that they belong to changes.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="ImportRow"),
                migrations.DeleteModel(name="RosterUpload"),
                migrations.DeleteModel(name="ImportRun"),
            ]
        )
    ]
