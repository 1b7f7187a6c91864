"""The board's list as a CSV file: the same rows, in the same order, all pages of them."""

import csv
import io
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.policies import Action
from accounts.selectors import clinics_for
from itbclinic.refill_list import CSV_COLUMNS, csv_row, item

from . import views


@require_safe
def board_csv(request: HttpRequest) -> HttpResponse:
    """The list that the address asks for; no cell starts a formula in a spreadsheet."""
    user = cast(User, request.user)
    allowed = list(clinics_for(user, Action.READ_LIST))
    if not allowed:
        raise PermissionDenied(f"It does not let you {Action.READ_LIST.value}.")
    now = timezone.now()
    query, _, clinics = views.read_query(request, allowed)
    if query.problems:  # a file does not show what was ignored, as the page does
        return HttpResponse("\n".join(query.problems), status=400, content_type="text/plain")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    rows = 0
    for row in views.matching_rows(query, clinics, now):
        writer.writerow(csv_row(item(row)))
        rows += 1
    views.record_read(user, clinics, now, "board.exported", query, rows)
    return HttpResponse(
        "\ufeff" + out.getvalue(),  # the mark by which spreadsheets know UTF-8
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="refills-{now:%Y-%m-%d}.csv"'},
    )
