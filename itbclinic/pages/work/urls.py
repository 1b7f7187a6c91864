"""Addresses of this desk."""

from django.urls import path

from . import views

urlpatterns = [
    path("work/", views.work, name="work"),
    path("work/<uuid:item_uuid>/settle/", views.settle, name="work_settle"),
]
