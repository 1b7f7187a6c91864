"""Addresses of this desk."""

from django.urls import path

from . import devices, identity

PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"

urlpatterns = [
    path("patients/<uuid:patient_uuid>/correct/", identity.correct, name="patient_correct"),
    path("patients/add/", identity.add, name="patient_add"),
    path("patients/<uuid:patient_uuid>/implant/", devices.implant, name="implant"),
    path(f"{PUMP}/taken-out/", devices.taken_out, name="explant"),
    path(f"{PUMP}/taken-out/take-back/", devices.take_back, name="explant_take_back"),
]
