"""Addresses of this desk."""

from django.urls import path

from . import refused, uploads

UPLOAD = "imports/uploads/<uuid:upload_uuid>"
REFUSED = "imports/<slug:slug>/refused"

urlpatterns = [
    path("imports/", uploads.page, name="imports"),
    path("imports/upload/", uploads.upload, name="import_send"),
    path("imports/empty-sheet.csv", uploads.template, {"kind": "csv"}, name="import_empty_csv"),
    path("imports/empty-sheet.xlsx", uploads.template, {"kind": "xlsx"}, name="import_empty_xlsx"),
    path(f"{UPLOAD}/", uploads.one, name="import_upload"),
    path(f"{UPLOAD}/import/", uploads.start, name="import_start"),
    path(f"{UPLOAD}/check-again/", uploads.again, name="import_check_again"),
    path(f"{UPLOAD}/discard/", uploads.throw_away, name="import_discard"),
    path(f"{UPLOAD}/refused.csv", uploads.refused, {"kind": "csv"}, name="upload_refused_csv"),
    path(f"{UPLOAD}/refused.xlsx", uploads.refused, {"kind": "xlsx"}, name="upload_refused_xlsx"),
    path("imports/rows/", refused.import_rows, name="import_rows"),
    path("imports/rows/<uuid:row_uuid>/dismiss/", refused.dismiss, name="import_row_dismiss"),
    path(f"{REFUSED}.csv", refused.rows_file, {"kind": "csv"}, name="import_rows_csv"),
    path(f"{REFUSED}.xlsx", refused.rows_file, {"kind": "xlsx"}, name="import_rows_xlsx"),
]
