"""What each field of each model is, for those who scrub, export or log.

`identifying` fields, and nothing derived from them, appear in no log, task argument, subject,
address or file name. `clinical` fields do not either. Only `operational` ones may. A test fails
when a field is in no class.
"""

from typing import Final

IDENTIFYING: Final = {
    "accounts.User": {"username", "first_name", "last_name", "email"},
    "accounts.AuditEvent": {"actor", "reason", "before", "after"},
    "patients.Patient": {"mrn", "family_name", "given_name", "date_of_birth", "language"},
    "patients.Caregiver": {
        "relationship", "name", "phone", "email", "patient", "remove_reason",
    },
    "pumps.Pump": {"serial_number"},
    "rosters.ImportRow": {"mrn", "raw", "errors", "warnings", "dismiss_reason"},
    "rosters.ImportRun": {"content_sha256"},
    "rosters.RosterUpload": {"content", "content_sha256", "report", "refusal"},
    "patients.ContactConsent": {"caregiver", "agreed"},
    "reminders.OutboxMessage": {"recipient_ref"},
    "visits.AfterVisitSummary": {"content", "html", "pdf", "language"},
}  # fmt: skip

CLINICAL: Final = {
    "patients.Patient": {"diagnosis"},
    "pumps.Pump": {"implanted_on", "low_reservoir_alarm_ml", "low_reservoir_alarm_assumed"},
    "pumps.Explant": {"at", "reason"},
    "pumps.ExplantWithdrawal": {"reason"},
    "pumps.Catheter": {
        "implanted_on", "catalogue_number", "length_cm", "ml_per_cm", "pump_tubing_ml", "source",
    },
    "pumps.Interrogation": {
        "at", "printed_alarm_date", "low_reservoir_alarm_ml", "reservoir_volume_ml", "source",
    },
    "dosing.Program": {
        "effective_at", "mode", "concentration_mcg_per_ml", "utc_offset_minutes", "daily_dose_mcg",
        "basal_mcg_per_hour", "bolus_mcg", "bolus_minutes", "interval_minutes", "first_at",
        "basal_suspended", "reason",
    },
    "dosing.Step": {"days", "start", "dose_mcg"},
    "dosing.Bolus": {"kind", "at", "dose_mcg", "minutes", "replaces_program"},
    "dosing.ProgramCorrection": {"reason"},
    "dosing.BolusCorrection": {"reason"},
    "refills.Fill": {
        "at", "volume_ml", "concentration_mcg_per_ml", "stability_days", "use_by", "aspirated_ml",
        "lot_number", "expires_on",
    },
    "refills.Discrepancy": {"expected_ml", "aspirated_ml", "difference_ml", "programmed_ml"},
    "refills.FillCorrection": {"reason"},
    "refills.Appointment": {"starts_at", "late_reason", "cancel_reason", "outcome"},
    "pumps.InterrogationCorrection": {"reason"},
    "visits.Visit": {
        "at", "concerns", "concern_reason", "note", "alarm_date_before", "refill_due_before",
        "alarm_date_after", "refill_due_after",
    },
    "visits.VisitWithdrawal": {"reason"},
    "visits.AfterVisitSummary": {"alarm_date", "refill_due_on"},
    "alarms.Projection": {
        "unknown_reason", "attention", "attention_settled_until", "alarm_at", "alarm_date",
        "empty_at", "empty_date", "earliest_empty_date", "stability_date", "refill_due_on",
        "window_opens_on", "binding_clock", "printed_alarm_date", "sort_alarm_date", "flags",
        "mode", "daily_dose_mcg", "daily_dose_min_mcg", "daily_volume_ml",
        "concentration_mcg_per_ml",
    },
    "alarms.Settlement": {"settles", "reason", "ends_on"},
    "alarms.Exclusion": {"reason", "ends_on"},
    "alarms.ExclusionEnd": {"reason"},
    "followup.WorkItem": {
        "settle_reason", "settled_until", "details", "put_off_for", "put_off_before",
    },
    # What a message is about tells by its date when a pump is due.
    "reminders.OutboxMessage": {"stamp", "date_version", "reason"},
}  # fmt: skip

# Models whose fields are all operational: keys, settings, catalogues, what the system did.
OPERATIONAL_MODELS: Final = {
    "accounts.Clinic", "accounts.Membership", "accounts.ApiClient", "pumps.PumpModel",
    "dosing.DrugProduct", "dosing.StabilityLimit", "followup.ScanRun",
}  # fmt: skip

# Fields that are operational wherever they stand.
OPERATIONAL_FIELDS: Final = {
    "id", "uuid", "pump", "patient", "clinic", "program", "fill", "bolus", "product", "model",
    "bridge", "exclusion", "replacement", "by", "at", "recorded_by", "recorded_at", "input_version",
    "computed_at", "recheck_at", "failure", "created_at", "created_by", "cancelled_at",
    "cancelled_by", "dismissed_at", "dismissed_by", "settled_by_row", "run", "row", "outcome",
    "as_of", "started_at", "finished_at", "rows", "imported", "unchanged", "refused", "password",
    "last_login", "is_superuser", "is_staff", "is_active", "date_joined", "groups",
    "channel", "valid_from", "valid_until", "consent", "about", "obligation", "milestone", "kind",
    "template", "language", "state", "not_before", "expires_at", "attempts", "lease_until",
    "lease_by", "message_id", "carried_by", "settled_at", "settled_by", "message", "ended_at",
    "smtp_code", "error_class", "subject", "owner_role", "opened_at", "due_at", "escalated_at",
    "interrogation", "visit", "summary", "key", "ordered_by", "version", "replaced_at",
    "explant", "follows",
    "rendered_at", "replaced_by", "outcome_at", "outcome_by",
    "uploaded_at", "uploaded_on", "suffix", "content_bytes", "rows_done", "rows_total",
    "checked_at", "checked_sequence", "import_by", "moved_at", "removed_at", "removed_by",
    "password_was_given",
    "pdf_missing",
    "user_permissions", "actor_id", "clinic_id", "event", "subject_type", "subject_id",
}  # fmt: skip
