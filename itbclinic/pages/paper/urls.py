"""Addresses of this desk."""

from django.urls import path

from . import views

SUMMARY = "summaries/<uuid:summary_uuid>"

urlpatterns = [
    path("summaries/", views.queue, name="summaries"),
    path(f"{SUMMARY}/", views.summary, name="summary"),
    path(f"{SUMMARY}/print/", views.print_summary, name="summary_print"),
    path(f"{SUMMARY}/again/", views.try_again, name="summary_again"),
    path(f"{SUMMARY}/document/", views.document, name="summary_document"),
    path(f"{SUMMARY}.pdf", views.pdf, name="summary_pdf"),
]
