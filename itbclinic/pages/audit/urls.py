"""Addresses of this desk."""

from django.urls import path

from . import views

urlpatterns = [
    path("audit/", views.audit, name="audit"),
    path("audit/search/", views.search, name="audit_search"),
    path("audit.csv", views.audit_csv, name="audit_csv"),
]
