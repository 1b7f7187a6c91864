"""Addresses of this desk."""

from django.urls import path

from . import imported, views

PUMP = "patients/<uuid:patient_uuid>/pumps/<uuid:pump_uuid>"

urlpatterns = [
    path(f"{PUMP}/visit/", views.record, name="visit_record"),
    path(f"{PUMP}/visit/preview/", views.preview_fragment, name="visit_preview"),
    path("visits/<uuid:visit_uuid>/", views.visit, name="visit"),
    path("visits/<uuid:visit_uuid>/withdraw/", views.withdraw, name="visit_withdraw"),
    path("refills/<uuid:fill_uuid>/", imported.imported_refill, name="imported_refill"),
]
