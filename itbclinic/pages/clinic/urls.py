"""Addresses of this desk."""

from django.urls import path

from . import contact, views

CLINIC = "clinic/<slug:slug>"
PERSON = f"{CLINIC}/people/<uuid:user_uuid>"
CLIENT = f"{CLINIC}/api-clients/<uuid:client_uuid>"

urlpatterns = [
    path(f"{CLINIC}/contact/", contact.save_contact, name="clinic_save_contact"),
    path(f"{PERSON}/email/", contact.change_email, name="clinic_change_email"),
    path("clinic/", views.clinic, name="clinic_settings"),
    path(f"{CLINIC}/", views.clinic, name="clinic_settings"),
    path(f"{CLINIC}/settings/", views.save_settings, name="clinic_save_settings"),
    path(f"{CLINIC}/people/add/", views.add_person, name="clinic_add_person"),
    path(f"{PERSON}/role/", views.change_role, name="clinic_change_role"),
    path(f"{PERSON}/password/", views.new_password, name="clinic_new_password"),
    path(f"{PERSON}/remove/", views.remove_person, name="clinic_remove_person"),
    path(f"{CLINIC}/api-clients/add/", views.add_client, name="clinic_add_client"),
    path(f"{CLIENT}/revoke/", views.revoke_client, name="clinic_revoke_client"),
]
