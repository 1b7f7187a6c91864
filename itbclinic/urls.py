"""Addresses."""

from django.urls import include, path

from itbclinic import health
from itbclinic.pages import board, export, home, patient, settle

PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"

urlpatterns = [
    path("", board.board, name="board"),
    path("refills.csv", export.board_csv, name="board_csv"),
    path("search/", board.search, name="board_search"),
    path("home/", home.home, name="home"),
    path("patients/<uuid:patient_uuid>/", patient.patient, name="patient"),
    path(f"{PUMP}/settle/", settle.settle, name="pump_settle"),
    path(f"{PUMP}/exclude/", settle.exclude, name="pump_exclude"),
    path(f"{PUMP}/end-exclusion/", settle.end_exclusion, name="pump_end_exclusion"),
    path(f"{PUMP}/alarm-volume/", settle.alarm_volume, name="pump_alarm_volume"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("itbclinic.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # --- further pages: catalogue, audit, clinic_settings, import_rows ---
]
