"""Addresses of the API."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from .problems import not_found
from .refills_due import RefillsDue
from .what_if import WhatIf

urlpatterns = [
    path("refills-due/", RefillsDue.as_view(), name="api_refills_due"),
    path("projections/what-if/", WhatIf.as_view(), name="api_what_if"),
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api_schema"), name="api_docs"),
    re_path(r"^.*$", login_not_required(not_found)),
]
