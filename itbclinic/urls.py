"""Addresses."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, reverse_lazy
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView, TemplateView

from itbclinic import health
from itbclinic.pages import (
    appointments,
    audit,
    board,
    booking,
    catalogue,
    clinic,
    clinic_contact,
    contacts,
    devices,
    export,
    home,
    imported,
    imports,
    new_patient,
    patient,
    session,
    settle,
    summaries,
    uploads,
    visit,
    work,
)

PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"
CONTACT = "patients/<uuid:patient_uuid>/contacts/<uuid:caregiver_uuid>"
CLINIC = "clinic/<slug:slug>"
SUMMARY = "summaries/<uuid:summary_uuid>"
PERSON = f"{CLINIC}/people/<uuid:user_uuid>"
CLIENT = f"{CLINIC}/api-clients/<uuid:client_uuid>"
REFUSED = "imports/<slug:slug>/refused"
UPLOAD = "imports/uploads/<uuid:upload_uuid>"
APPOINTMENT = "appointments/<uuid:appointment_uuid>"

# Addresses of allauth for what this application does not do: e-mail addresses and accounts are an
# administrator's, on the clinic's page, and no mail leaves from a sign-in page.
NOT_OURS = (
    "email/",
    "confirm-email/",
    "confirm-email/<str:key>/",
    "password/set/",
    "password/reset/done/",
    "password/reset/key/done/",
    "password/reset/key/<str:key>/",
    "login/code/confirm/",
)
LED_HOME = RedirectView.as_view(url=reverse_lazy("home"))

urlpatterns = [
    path("", board.board, name="board"),
    path("refills.csv", export.board_csv, name="board_csv"),
    path("search/", board.search, name="board_search"),
    path("home/", home.home, name="home"),
    path("session/", session.session, name="session"),
    path("patients/<uuid:patient_uuid>/contacts/add/", contacts.add, name="contact_add"),
    path(f"{CONTACT}/change/", contacts.change, name="contact_change"),
    path(f"{CONTACT}/remove/", contacts.remove, name="contact_remove"),
    path(f"{CONTACT}/consent/", contacts.consent, name="contact_consent"),
    path(f"{CONTACT}/withdraw/", contacts.withdraw, name="contact_withdraw"),
    path(f"{CLINIC}/contact/", clinic_contact.save_contact, name="clinic_save_contact"),
    path(f"{PERSON}/email/", clinic_contact.change_email, name="clinic_change_email"),
    path("work/", work.work, name="work"),
    path("work/<uuid:item_uuid>/settle/", work.settle, name="work_settle"),
    path("patients/<uuid:patient_uuid>/", patient.patient, name="patient"),
    path("patients/<uuid:patient_uuid>/correct/", new_patient.correct, name="patient_correct"),
    path(f"{PUMP}/settle/", settle.settle, name="pump_settle"),
    path(f"{PUMP}/exclude/", settle.exclude, name="pump_exclude"),
    path(f"{PUMP}/end-exclusion/", settle.end_exclusion, name="pump_end_exclusion"),
    path(f"{PUMP}/alarm-volume/", settle.alarm_volume, name="pump_alarm_volume"),
    path(f"{PUMP}/book/", booking.pump_book, name="pump_book"),
    path("appointments/", appointments.appointments, name="appointments"),
    path(f"{APPOINTMENT}/", appointments.appointment, name="appointment"),
    path(f"{APPOINTMENT}/rebook/", booking.rebook, name="appointment_rebook"),
    path(f"{APPOINTMENT}/cancel/", appointments.cancel, name="appointment_cancel"),
    path(f"{APPOINTMENT}/arrived/", appointments.arrived, name="appointment_arrived"),
    path(f"{APPOINTMENT}/no-show/", appointments.no_show, name="appointment_no_show"),
    path(f"{APPOINTMENT}/take-back/", appointments.take_back, name="appointment_take_back"),
    path(f"{PUMP}/visit/", visit.record, name="visit_record"),
    path(f"{PUMP}/visit/preview/", visit.preview_fragment, name="visit_preview"),
    path("visits/<uuid:visit_uuid>/", visit.visit, name="visit"),
    path("visits/<uuid:visit_uuid>/withdraw/", visit.withdraw, name="visit_withdraw"),
    path("refills/<uuid:fill_uuid>/", imported.imported_refill, name="imported_refill"),
    # Passwords are given out by an administrator: no mail may be sent from a sign-in page.
    path(
        "accounts/password/reset/",
        login_not_required(
            require_safe(TemplateView.as_view(template_name="account/password_reset.html"))
        ),
        name="account_reset_password",
    ),
    *(path(f"accounts/{address}", LED_HOME) for address in NOT_OURS),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("itbclinic.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # --- further pages: catalogue, audit, clinic_settings, import_rows ---
    path("catalogue/", catalogue.catalogue, name="catalogue"),
    path("catalogue/pump-models/add/", catalogue.add_pump_model, name="pump_model_add"),
    path("catalogue/pump-models/<uuid:model_uuid>/", catalogue.pump_model, name="pump_model"),
    path("catalogue/drugs/add/", catalogue.add_drug, name="drug_add"),
    path("catalogue/drugs/<uuid:product_uuid>/", catalogue.drug, name="drug"),
    path("audit/", audit.audit, name="audit"),
    path("audit/search/", audit.search, name="audit_search"),
    path("audit.csv", audit.audit_csv, name="audit_csv"),
    # One name for both: the navigation knows the page by it.
    path("clinic/", clinic.clinic, name="clinic_settings"),
    path(f"{CLINIC}/", clinic.clinic, name="clinic_settings"),
    path(f"{CLINIC}/settings/", clinic.save_settings, name="clinic_save_settings"),
    path(f"{CLINIC}/people/add/", clinic.add_person, name="clinic_add_person"),
    path(f"{PERSON}/role/", clinic.change_role, name="clinic_change_role"),
    path(f"{PERSON}/password/", clinic.new_password, name="clinic_new_password"),
    path(f"{PERSON}/remove/", clinic.remove_person, name="clinic_remove_person"),
    path(f"{CLINIC}/api-clients/add/", clinic.add_client, name="clinic_add_client"),
    path(f"{CLIENT}/revoke/", clinic.revoke_client, name="clinic_revoke_client"),
    # --- uploaded spreadsheets ---
    path("imports/", uploads.page, name="imports"),
    path("imports/upload/", uploads.upload, name="import_send"),
    path("imports/empty-sheet.csv", uploads.template, {"kind": "csv"}, name="import_empty_csv"),
    path("imports/empty-sheet.xlsx", uploads.template, {"kind": "xlsx"}, name="import_empty_xlsx"),
    path(f"{UPLOAD}/", uploads.one, name="import_upload"),
    path(f"{UPLOAD}/import/", uploads.start, name="import_start"),
    path(f"{UPLOAD}/check-again/", uploads.again, name="import_check_again"),
    path(f"{UPLOAD}/discard/", uploads.throw_away, name="import_discard"),
    path(f"{UPLOAD}/refused.csv", uploads.refused, {"kind": "csv"}, name="upload_refused_csv"),
    path(f"{UPLOAD}/refused.xlsx", uploads.refused, {"kind": "xlsx"}, name="upload_refused_xlsx"),
    # --- their refused rows ---
    path("imports/rows/", imports.import_rows, name="import_rows"),
    path("imports/rows/<uuid:row_uuid>/dismiss/", imports.dismiss, name="import_row_dismiss"),
    path(f"{REFUSED}.csv", imports.rows_file, {"kind": "csv"}, name="import_rows_csv"),
    path(f"{REFUSED}.xlsx", imports.rows_file, {"kind": "xlsx"}, name="import_rows_xlsx"),
    # --- patients and pumps come and go ---
    path("patients/add/", new_patient.add, name="patient_add"),
    path("patients/<uuid:patient_uuid>/implant/", devices.implant, name="implant"),
    path(f"{PUMP}/taken-out/", devices.taken_out, name="explant"),
    path(f"{PUMP}/taken-out/take-back/", devices.take_back, name="explant_take_back"),
    path("summaries/", summaries.queue, name="summaries"),
    path(f"{SUMMARY}/", summaries.summary, name="summary"),
    path(f"{SUMMARY}/print/", summaries.print_summary, name="summary_print"),
    path(f"{SUMMARY}/again/", summaries.try_again, name="summary_again"),
    path(f"{SUMMARY}/document/", summaries.document, name="summary_document"),
    path(f"{SUMMARY}.pdf", summaries.pdf, name="summary_pdf"),
]
