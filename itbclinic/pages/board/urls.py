"""Addresses of this desk."""

from django.urls import path

from . import export, views

urlpatterns = [
    path("", views.board, name="board"),
    path("refills.csv", export.board_csv, name="board_csv"),
    path("search/", views.search, name="board_search"),
]
