"""Addresses of this desk."""

from django.urls import path

from . import booking, views

PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"
APPOINTMENT = "appointments/<uuid:appointment_uuid>"

urlpatterns = [
    path(f"{PUMP}/book/", booking.pump_book, name="pump_book"),
    path("appointments/", views.appointments, name="appointments"),
    path(f"{APPOINTMENT}/", views.appointment, name="appointment"),
    path(f"{APPOINTMENT}/rebook/", booking.rebook, name="appointment_rebook"),
    path(f"{APPOINTMENT}/cancel/", views.cancel, name="appointment_cancel"),
    path(f"{APPOINTMENT}/arrived/", views.arrived, name="appointment_arrived"),
    path(f"{APPOINTMENT}/no-show/", views.no_show, name="appointment_no_show"),
    path(f"{APPOINTMENT}/take-back/", views.take_back, name="appointment_take_back"),
]
