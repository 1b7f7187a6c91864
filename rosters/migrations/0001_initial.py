import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('visits', '0008_imports_move_to_rosters'),
        ('accounts', '0005_passwords_are_chosen'),
        ('patients', '0006_birth_is_plausible'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # The tables are there already, under the names that they began with.
    operations = [migrations.SeparateDatabaseAndState(state_operations=[
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('as_of', models.DateField()),
                ('content_sha256', models.CharField(max_length=64)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('rows', models.PositiveIntegerField(default=0)),
                ('imported', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='import_runs', to='accounts.clinic')),
            ],
            options={
                'db_table': 'visits_importrun',
            },
        ),
        migrations.CreateModel(
            name='ImportRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('row', models.PositiveIntegerField()),
                ('mrn', models.CharField(blank=True, max_length=200)),
                ('raw', models.JSONField()),
                ('outcome', models.CharField(choices=[('imported', 'Imported'), ('unchanged', 'Nothing new'), ('refused', 'Refused')], max_length=9)),
                ('errors', models.JSONField(default=list)),
                ('warnings', models.JSONField(default=list)),
                ('dismissed_at', models.DateTimeField(null=True)),
                ('dismiss_reason', models.TextField(blank=True)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='import_rows', to='accounts.clinic')),
                ('dismissed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('patient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='import_rows', to='patients.patient')),
                ('settled_by_row', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='rosters.importrow')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='import_rows', to='rosters.importrun')),
            ],
            options={
                'db_table': 'visits_importrow',
            },
        ),
        migrations.CreateModel(
            name='RosterUpload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('uploaded_at', models.DateTimeField()),
                ('uploaded_on', models.DateField()),
                ('as_of', models.DateField()),
                ('suffix', models.CharField(max_length=5)),
                ('content', models.BinaryField(null=True)),
                ('content_sha256', models.CharField(max_length=64)),
                ('content_bytes', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting for its check'), ('checking', 'Being checked'), ('checked', 'Checked: waits for you'), ('importing', 'Being imported'), ('imported', 'Imported'), ('unreadable', 'Cannot be read'), ('failed', 'Stopped'), ('discarded', 'Discarded')], default='waiting', max_length=10)),
                ('rows_done', models.PositiveIntegerField(default=0)),
                ('rows_total', models.PositiveIntegerField()),
                ('report', models.JSONField(default=list)),
                ('refusal', models.TextField(blank=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('checked_sequence', models.BigIntegerField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('moved_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(null=True)),
                ('lease_by', models.CharField(blank=True, max_length=32)),
                ('error_class', models.CharField(blank=True, max_length=60)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='roster_uploads', to='accounts.clinic')),
                ('import_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='upload', to='rosters.importrun')),
            ],
            options={
                'db_table': 'visits_rosterupload',
            },
        ),
        migrations.AddIndex(
            model_name='importrun',
            index=models.Index(fields=['clinic', '-id'], name='import_run_by_clinic'),
        ),
        migrations.AddIndex(
            model_name='importrow',
            index=models.Index(condition=models.Q(('dismissed_at__isnull', True), ('outcome', 'refused'), ('settled_by_row__isnull', True)), fields=['clinic', 'row'], name='open_refused_rows'),
        ),
        migrations.AddConstraint(
            model_name='importrow',
            constraint=models.UniqueConstraint(fields=('run', 'row'), name='one_outcome_per_row'),
        ),
        migrations.AddConstraint(
            model_name='importrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('dismiss_reason', ''), ('dismissed_at__isnull', True), ('dismissed_by__isnull', True)), models.Q(('dismissed_at__isnull', False), ('dismissed_by__isnull', False), models.Q(('dismiss_reason', ''), _negated=True)), _connector='OR'), name='import_row_dismissed_by_somebody_for_a_reason'),
        ),
        migrations.AddIndex(
            model_name='rosterupload',
            index=models.Index(fields=['clinic', '-id'], name='upload_by_clinic'),
        ),
        migrations.AddIndex(
            model_name='rosterupload',
            index=models.Index(condition=models.Q(('state__in', ['waiting', 'checking', 'importing'])), fields=['id'], name='upload_for_the_worker'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['imported', 'unreadable', 'discarded']), _negated=True), fields=('clinic', 'content_sha256', 'as_of'), name='one_open_upload_of_a_sheet'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'checking', 'checked', 'importing', 'imported', 'unreadable', 'failed', 'discarded'])), name='upload_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('content__isnull', True), ('state__in', ['imported', 'unreadable', 'discarded'])), models.Q(('content__isnull', False), models.Q(('state__in', ['imported', 'unreadable', 'discarded']), _negated=True)), _connector='OR'), name='upload_keeps_its_file_until_it_ends'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(('suffix__in', ['.csv', '.xlsx']), ('content_bytes__gte', 1), ('content_bytes__lte', 5242880), ('rows_total__gte', 1), ('rows_total__lte', 5000)), name='upload_is_no_larger_than_a_roster'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(('rows_done__lte', models.F('rows_total'))), name='upload_progress_ends_at_its_rows'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(('as_of__lte', models.F('uploaded_on'))), name='upload_is_as_of_a_day_that_came'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lease_by', ''), ('lease_until__isnull', True)), models.Q(('lease_until__isnull', False), ('state__in', ['checking', 'importing']), models.Q(('lease_by', ''), _negated=True)), _connector='OR'), name='upload_lease_has_a_holder_and_work'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['checked', 'importing', 'imported']), _negated=True), models.Q(('checked_at__isnull', False), ('checked_sequence__isnull', False)), _connector='OR'), name='upload_is_checked_before_it_is_imported'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['importing', 'imported']), _negated=True), ('import_by__isnull', False), _connector='OR'), name='upload_is_imported_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'imported'), _negated=True), models.Q(('ended_at__isnull', False), ('run__isnull', False)), _connector='OR'), name='upload_imported_has_its_run'),
        ),
        migrations.AddConstraint(
            model_name='rosterupload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['unreadable', 'failed']), _negated=True), models.Q(('refusal', ''), _negated=True), _connector='OR'), name='upload_that_stopped_says_why'),
        ),
    ])]
