"""Addresses of this desk."""

from django.urls import path

from . import contacts, settle, views

CONTACT = "patients/<uuid:patient_uuid>/contacts/<uuid:caregiver_uuid>"
PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"

urlpatterns = [
    path("patients/<uuid:patient_uuid>/contacts/add/", contacts.add, name="contact_add"),
    path(f"{CONTACT}/change/", contacts.change, name="contact_change"),
    path(f"{CONTACT}/remove/", contacts.remove, name="contact_remove"),
    path(f"{CONTACT}/consent/", contacts.consent, name="contact_consent"),
    path(f"{CONTACT}/withdraw/", contacts.withdraw, name="contact_withdraw"),
    path("patients/<uuid:patient_uuid>/", views.patient, name="patient"),
    path(f"{PUMP}/settle/", settle.settle, name="pump_settle"),
    path(f"{PUMP}/exclude/", settle.exclude, name="pump_exclude"),
    path(f"{PUMP}/end-exclusion/", settle.end_exclusion, name="pump_end_exclusion"),
    path(f"{PUMP}/alarm-volume/", settle.alarm_volume, name="pump_alarm_volume"),
]
