from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("alarms", "0009_work_item_paper_withdrawn")]

    # The tables stay as they are; only the app that they belong to changes.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="ScanRun"),
                migrations.DeleteModel(name="WorkItem"),
            ]
        )
    ]
