"""Who may see which address, by its name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.urls import reverse

from accounts import services as accounts
from accounts.models import ApiClient, Clinic, User
from accounts.policies import Action
from dosing.models import DrugProduct
from followup.models import WorkItem
from patients.models import Patient
from pumps.models import Pump, PumpModel
from refills.models import Appointment, Fill
from refills.services import book
from rosters.models import ImportRow, RosterUpload
from rosters.services.importing import import_roster
from rosters.services.upload_runs import run_uploads
from rosters.services.uploads import upload_roster
from tests import factories
from tests.summary_support import summary_of, visited
from visits.models import AfterVisitSummary, Visit

ROSTER = Path(__file__).resolve().parents[2] / "data" / "clinic-roster.csv"

# Sign-in and health: without patient data.
STRANGERS = {
    "account_login", "account_logout", "account_signup", "account_inactive",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_confirm_email",
    "account_email_verification_sent", "account_confirm_login_code", "mfa_authenticate",
    "healthz", "readyz",
}  # fmt: skip
EVERYBODY_SIGNED_IN = {
    "home", "session", "account_change_password", "account_set_password", "account_email",
    "account_reauthenticate", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_reauthenticate", "mfa_generate_recovery_codes", "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
}  # fmt: skip
API = {
    "api_refills_due": "/api/v1/refills-due/",
    "api_what_if": "/api/v1/projections/what-if/",
    "api_schema": "/api/v1/schema/",
    "api_docs": "/api/v1/docs/",
}
BY_ACTION = {
    "board": Action.READ_LIST,
    "board_csv": Action.READ_LIST,
    "board_search": Action.READ_LIST,
    "patient": Action.READ_CHART,
    "work": Action.BOOK,
    "contact_add": Action.CONTACT,
    "contact_change": Action.CONTACT,
    "contact_remove": Action.CONTACT,
    "contact_consent": Action.CONTACT,
    "contact_withdraw": Action.CONTACT,
    "clinic_save_contact": Action.MANAGE_CLINIC,
    "clinic_change_email": Action.MANAGE_CLINIC,
    "work_settle": Action.BOOK,
    "pump_settle": Action.SETTLE,
    "pump_exclude": Action.SETTLE,
    "pump_end_exclusion": Action.SETTLE,
    "pump_alarm_volume": Action.SETTLE,
    "pump_book": Action.BOOK,
    "appointments": Action.READ_LIST,
    "appointment": Action.READ_CHART,
    "appointment_rebook": Action.BOOK,
    "appointment_cancel": Action.BOOK,
    "appointment_arrived": Action.BOOK,
    "appointment_no_show": Action.BOOK,
    "appointment_take_back": Action.BOOK,
    "visit_record": Action.RECORD_VISIT,
    "visit_preview": Action.RECORD_VISIT,
    "visit": Action.READ_CHART,
    "patient_add": Action.ADD_PATIENT,
    "patient_correct": Action.ADD_PATIENT,
    "implant": Action.RECORD_DEVICE,
    "explant": Action.RECORD_DEVICE,
    "explant_take_back": Action.RECORD_DEVICE,
    "visit_withdraw": Action.RECORD_VISIT,
    "imported_refill": Action.RECORD_VISIT,
    "catalogue": Action.READ_CATALOGUE,
    "pump_model_add": Action.EDIT_CATALOGUE,
    "pump_model": Action.EDIT_CATALOGUE,
    "drug_add": Action.EDIT_CATALOGUE,
    "drug": Action.EDIT_CATALOGUE,
    "audit": Action.READ_AUDIT,
    "audit_csv": Action.READ_AUDIT,
    "audit_search": Action.READ_AUDIT,
    "clinic_settings": Action.MANAGE_CLINIC,
    "clinic_save_settings": Action.MANAGE_CLINIC,
    "clinic_add_person": Action.MANAGE_CLINIC,
    "clinic_change_role": Action.MANAGE_CLINIC,
    "clinic_remove_person": Action.MANAGE_CLINIC,
    "clinic_new_password": Action.MANAGE_CLINIC,
    "clinic_add_client": Action.MANAGE_CLINIC,
    "clinic_revoke_client": Action.MANAGE_CLINIC,
    "import_rows": Action.RESOLVE_IMPORT,
    "import_row_dismiss": Action.RESOLVE_IMPORT,
    "import_rows_csv": Action.RESOLVE_IMPORT,
    "import_rows_xlsx": Action.RESOLVE_IMPORT,
    "imports": Action.RESOLVE_IMPORT,
    "import_send": Action.RESOLVE_IMPORT,
    "import_empty_csv": Action.RESOLVE_IMPORT,
    "import_empty_xlsx": Action.RESOLVE_IMPORT,
    "import_upload": Action.RESOLVE_IMPORT,
    "import_start": Action.RESOLVE_IMPORT,
    "import_check_again": Action.RESOLVE_IMPORT,
    "import_discard": Action.RESOLVE_IMPORT,
    "upload_refused_csv": Action.RESOLVE_IMPORT,
    "upload_refused_xlsx": Action.RESOLVE_IMPORT,
    "summaries": Action.PRINT_SUMMARY,
    "summary": Action.PRINT_SUMMARY,
    "summary_print": Action.PRINT_SUMMARY,
    "summary_again": Action.PRINT_SUMMARY,
    "summary_document": Action.PRINT_SUMMARY,
    "summary_pdf": Action.PRINT_SUMMARY,
}
POST_ONLY = {
    "work_settle", "contact_add", "contact_change", "contact_remove",
    "contact_consent", "contact_withdraw",
    "clinic_save_contact", "clinic_change_email",
    "api_what_if", "board_search", "pump_settle", "pump_exclude", "pump_end_exclusion",
    "pump_alarm_volume", "visit_preview", "visit_withdraw",
    "clinic_save_settings", "clinic_add_person", "clinic_change_role",
    "clinic_remove_person", "clinic_new_password", "clinic_add_client", "clinic_revoke_client",
    "import_row_dismiss",
    "import_send", "import_start", "import_check_again", "import_discard",
    "appointment_cancel", "appointment_arrived", "appointment_no_show", "appointment_take_back",
    "summary_print", "summary_again", "audit_search",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Objects:
    """One of everything that an address can name, of one clinic."""

    clinic: Clinic
    patient: Patient
    pump: Pump
    model: PumpModel
    product: DrugProduct
    member: User
    client: ApiClient
    row: ImportRow
    upload: RosterUpload
    appointment: Appointment
    item: WorkItem
    visit: Visit
    imported: Fill
    summary: AfterVisitSummary

    @classmethod
    def make(cls, clinic: Clinic, now: datetime) -> "Objects":
        pump = factories.due_in(clinic, 4, now)
        sheet = (ROSTER.read_text(encoding="utf-8-sig").splitlines()[i] for i in (0, 11))
        content = "\n".join(sheet).encode()
        import_roster(
            clinic=clinic, content=content, filename_suffix=".csv",
            as_of=now.date(), by=accounts.system_user("system-import"), now=now,
        )  # fmt: skip
        importer = factories.user(f"importer-{clinic.slug}", clinic, "staff")
        upload = upload_roster(
            clinic=clinic, content=content, suffix=".csv", by=importer, now=now,
            as_of=now.astimezone(clinic.zone).date(),
        )  # fmt: skip
        run_uploads(clock=lambda: now)
        return cls(
            clinic=clinic,
            patient=pump.patient,
            pump=pump,
            model=pump.model,
            product=DrugProduct.objects.filter(clinic=clinic)[0],
            member=factories.user(f"member-{clinic.slug}", clinic, "staff"),
            client=factories.api_client(clinic)[0],
            row=ImportRow.objects.get(clinic=clinic, outcome="refused"),
            upload=upload,
            appointment=book(
                pump=pump,
                starts_at=now + timedelta(days=2),
                now=now,
                by=accounts.system_user("system-import"),
            ),
            item=WorkItem.objects.filter(clinic=clinic, pump=pump)[0],
            visit=factories.visit_of(pump, now),
            imported=Fill.objects.filter(pump=pump, visit__isnull=True)[0],
            summary=printable(clinic, now),
        )


def printable(clinic: Clinic, now: datetime) -> AfterVisitSummary:
    """A summary with a page and a PDF, so that every address of it answers."""
    nurse = factories.user(f"visitor-{clinic.slug}", clinic, "nurse")
    row = summary_of(visited(clinic, nurse, now))
    row.html, row.pdf, row.rendered_at = "<!--paper-->paper<!--/paper-->", b"%PDF", now
    row.state = "ready"
    row.save()
    return row


def url_of(name: str, objects: Objects) -> str:
    """The address of that name, for these objects where it names any."""
    choices: list[dict[str, Any]] = [
        {"slug": objects.clinic.slug},
        {},
        {"patient_uuid": objects.patient.uuid},
        {"patient_uuid": objects.patient.uuid, "pump_uuid": objects.pump.uuid},
        {"slug": objects.clinic.slug, "user_uuid": objects.member.uuid},
        {"slug": objects.clinic.slug, "client_uuid": objects.client.uuid},
        {"row_uuid": objects.row.uuid},
        {"upload_uuid": objects.upload.uuid},
        {"appointment_uuid": objects.appointment.uuid},
        {"item_uuid": objects.item.uuid},
        {
            "patient_uuid": objects.patient.uuid,
            "caregiver_uuid": objects.patient.caregivers.all()[0].uuid,
        },
        {"visit_uuid": objects.visit.uuid},
        {"fill_uuid": objects.imported.uuid},
        {"summary_uuid": objects.summary.uuid},
        {"model_uuid": objects.model.uuid},
        {"product_uuid": objects.product.uuid},
    ]
    for arguments in choices:
        try:
            return reverse(name, kwargs=arguments)
        except Exception:  # noqa: S112  # the next choice
            continue
    raise AssertionError(f"{name} names an object that this test does not know")
