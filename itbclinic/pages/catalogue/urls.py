"""Addresses of this desk."""

from django.urls import path

from . import views

urlpatterns = [
    path("catalogue/", views.catalogue, name="catalogue"),
    path("catalogue/pump-models/add/", views.add_pump_model, name="pump_model_add"),
    path("catalogue/pump-models/<uuid:model_uuid>/", views.pump_model, name="pump_model"),
    path("catalogue/drugs/add/", views.add_drug, name="drug_add"),
    path("catalogue/drugs/<uuid:product_uuid>/", views.drug, name="drug"),
]
