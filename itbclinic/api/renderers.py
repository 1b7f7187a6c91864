"""The refill-due list as CSV; an error is a problem document there too."""

import csv
import io
from collections.abc import Mapping
from typing import cast

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response

from itbclinic.refill_list import CSV_COLUMNS, Answer, csv_row

from .problems import CONTENT_TYPE


class CsvRenderer(BaseRenderer):
    """The rows of the list, one a line, under the names of the JSON fields."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: object,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, object] | None = None,
    ) -> bytes:
        response = cast(Response | None, (renderer_context or {}).get("response"))
        if response is not None and response.status_code >= 400:
            response["Content-Type"] = CONTENT_TYPE
            return bytes(JSONRenderer().render(data))
        found = cast(Answer, data)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(CSV_COLUMNS)
        writer.writerows(csv_row(item) for item in found["results"])
        if response is not None:
            response["Content-Disposition"] = 'attachment; filename="refills-due.csv"'
            response["X-Total-Count"] = str(found["total_count"])
            response["X-Complete"] = "true" if found["complete"] else "false"
            response["X-Hidden-More-Urgent"] = str(found["hidden_more_urgent"])
            response["X-Unimported-Rows"] = str(len(found["unimported_rows"]))
            if found["next"]:
                response["Link"] = f'<{found["next"]}>; rel="next"'
        return out.getvalue().encode()
