import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('alarms', '0010_scans_and_work_items_move_to_followup'),
        ('accounts', '0005_passwords_are_chosen'),
        ('pumps', '0006_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # The tables are there already, under the names that they began with.
    operations = [migrations.SeparateDatabaseAndState(state_operations=[
        migrations.CreateModel(
            name='ScanRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('due_scan', 'Due scan'), ('sweep', 'Sweep'), ('delivery', 'Delivery of messages')], max_length=8)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('looked_at', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('refreshed', models.PositiveIntegerField(default=0)),
                ('healed', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('findings', models.JSONField(default=list)),
            ],
            options={
                'db_table': 'alarms_scanrun',
                'indexes': [models.Index(fields=['kind', '-finished_at'], name='scan_run_by_kind')],
                'constraints': [models.CheckConstraint(condition=models.Q(('finished_at__isnull', True), ('finished_at__gte', models.F('started_at')), _connector='OR'), name='scan_run_ends_after_it_starts')],
            },
        ),
        migrations.CreateModel(
            name='WorkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('delivery_failed', 'A message could not be delivered'), ('nobody_to_tell', 'No nurse of the clinic has an e-mail address'), ('call_family', 'Call the family about the appointment'), ('unbooked', 'No refill is booked in time'), ('date_unknown', 'The refill date is not known'), ('no_show', 'The patient did not come'), ('appointment_without_outcome', 'Nobody wrote down whether the patient came'), ('channel_failing', 'The mail server refuses our messages'), ('summary_failed', 'An after-visit summary could not be made'), ('paper_withdrawn', 'The family may hold a paper with wrong dates')], max_length=32)),
                ('subject', models.CharField(max_length=100)),
                ('details', models.JSONField(default=dict)),
                ('owner_role', models.CharField(choices=[('nurse', 'Rehab nurse'), ('doctor', 'Rehabilitation doctor'), ('staff', 'Clinic staff'), ('pharmacist', 'Pharmacist'), ('auditor', 'Auditor'), ('admin', 'Administrator')], max_length=16)),
                ('opened_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('escalated_at', models.DateTimeField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('settle_reason', models.TextField(blank=True)),
                ('settled_until', models.DateField(null=True)),
                ('put_off_for', models.CharField(blank=True, max_length=100)),
                ('put_off_before', models.DateField(null=True)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='work_items', to='accounts.clinic')),
                ('pump', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='work_items', to='pumps.pump')),
                ('settled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'alarms_workitem',
                'indexes': [models.Index(condition=models.Q(('settled_at__isnull', True)), fields=['clinic', 'due_at'], name='open_work_items'), models.Index(fields=['subject', 'kind'], name='work_item_by_subject')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('settled_at__isnull', True)), fields=('clinic', 'kind', 'subject'), name='one_open_work_item'), models.CheckConstraint(condition=models.Q(models.Q(('settle_reason', ''), ('settled_at__isnull', True), ('settled_by__isnull', True), ('settled_until__isnull', True)), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), models.Q(('settle_reason', ''), _negated=True)), _connector='OR'), name='work_item_settled_by_somebody_for_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('put_off_before__isnull', True), ('put_off_for', '')), ('settled_at__isnull', False), _connector='OR'), name='work_item_put_off_by_who_settled_it'), models.CheckConstraint(condition=models.Q(('due_at__gte', models.F('opened_at'))), name='work_item_is_due_after_it_opens')],
            },
        ),
    ])]
