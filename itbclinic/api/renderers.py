"""The refill-due list as CSV; an error is a problem document there too."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from itbclinic.refill_list import CSV_COLUMNS, csv_row

from .problems import CONTENT_TYPE


class CsvRenderer(BaseRenderer):
    """The rows of the list, one a line, under the names of the JSON fields."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = renderer_context or {}
        response = context.get("response")
        if response is not None and response.status_code >= 400:
            response["Content-Type"] = CONTENT_TYPE
            return bytes(JSONRenderer().render(data))
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(CSV_COLUMNS)
        writer.writerows(csv_row(item) for item in data["results"])
        if response is not None:
            response["Content-Disposition"] = 'attachment; filename="refills-due.csv"'
            response["X-Total-Count"] = str(data["total_count"])
            response["X-Complete"] = "true" if data["complete"] else "false"
            response["X-Hidden-More-Urgent"] = str(data["hidden_more_urgent"])
            response["X-Unimported-Rows"] = str(len(data["unimported_rows"]))
            if data["next"]:
                response["Link"] = f'<{data["next"]}>; rel="next"'
        return out.getvalue().encode()
