"""Addresses: each desk brings its own. The order of the desks is the navigation's."""

from django.urls import include, path

from itbclinic import health

urlpatterns = [
    path("", include("itbclinic.pages.board.urls")),
    path("", include("itbclinic.pages.work.urls")),
    path("", include("itbclinic.pages.appointments.urls")),
    path("", include("itbclinic.pages.imports.urls")),
    path("", include("itbclinic.pages.paper.urls")),
    path("", include("itbclinic.pages.catalogue.urls")),
    path("", include("itbclinic.pages.audit.urls")),
    path("", include("itbclinic.pages.clinic.urls")),
    # Before the patient's page: `patients/add/` is no patient.
    path("", include("itbclinic.pages.registration.urls")),
    path("", include("itbclinic.pages.patient.urls")),
    path("", include("itbclinic.pages.visit.urls")),
    # Before allauth: some of its addresses lead home.
    path("", include("itbclinic.pages.home.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("itbclinic.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
