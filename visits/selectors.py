"""Reads of imports: the rows that were not imported and that nobody settled yet."""

from collections.abc import Collection

from .models import ImportRow


def open_refused_rows(clinic_ids: Collection[int]) -> list[ImportRow]:
    """Refused rows that are neither imported since nor dismissed, by clinic and line."""
    return list(
        ImportRow.objects.filter(
            clinic_id__in=clinic_ids,
            outcome=ImportRow.Outcome.REFUSED,
            dismissed_at__isnull=True,
            settled_by_row__isnull=True,
        )
        .select_related("run", "clinic")
        .order_by("clinic_id", "row", "id")
    )
