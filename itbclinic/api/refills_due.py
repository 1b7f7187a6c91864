"""`GET /api/v1/refills-due/`: the refill-due list with its proof of completeness."""

import hashlib
import json
from datetime import datetime
from typing import NotRequired, TypedDict

from django.core import signing
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit
from accounts.models import ApiClient, Clinic, Scope
from accounts.selectors import change_sequence
from alarms.selectors import worklist
from alarms.selectors.listed import Position
from core.local_time import iso_z
from core.rules import Problem
from followup.selectors import scans
from itbclinic import refill_list
from refills.selectors import began_between
from rosters.selectors import open_refused_rows

from . import schemas
from .authentication import client_of
from .problems import BadQuery
from .query import Query, parse
from .renderers import CsvRenderer

CURSOR_SALT = "itb.refills-due.cursor"


class Seen(TypedDict):
    """What page 1 saw; in a cursor with the place at which the next page goes on."""

    sequence: int
    dates: list[str]
    as_of: str
    query: str
    after: NotRequired[list[int | str]]


class RefillsDue(APIView):
    """The refill-due list of the token's clinics, most urgent first."""

    required_scope = Scope.DUE_READ
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="refills_due",
        summary="Refills due",
        description=schemas.REFILLS_DUE,
        parameters=schemas.QUERY_PARAMETERS,
        responses={
            (200, "application/json"): schemas.RefillsDueSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            304: OpenApiResponse(description="Nothing changed since the ETag you sent."),
            400: schemas.ProblemSerializer,
            401: schemas.ProblemSerializer,
            403: schemas.ProblemSerializer,
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer one page of the list, or 304 when the client has it already."""
        now = timezone.now()
        client = client_of(request)
        query = parse(request.query_params)
        clinics = _clinics(client, query)
        found = _answer(request, clinics, query, now)
        etag, swept = _etag(found), found["computed_at"] or "never"
        headers = {"ETag": etag, "X-Computed-At": swept, "Vary": "Authorization, Accept"}
        if _has_it(request.headers.get("If-None-Match", ""), etag):
            return HttpResponse(status=304, headers=headers)
        _audit(client, clinics, now, len(found["results"]))
        return Response(found, headers=headers)


def _clinics(client: ApiClient, query: Query) -> list[Clinic]:
    clinics = list(client.clinics.all())
    if query.clinic:
        clinics = [c for c in clinics if query.clinic in (c.slug, str(c.uuid))]
        if not clinics:
            raise BadQuery(
                [Problem("clinic", "unknown_clinic", "This token has no clinic of that name.")]
            )
    return sorted(clinics, key=lambda clinic: clinic.pk)


def _answer(
    request: Request, clinics: list[Clinic], query: Query, now: datetime
) -> refill_list.Answer:
    ids = [clinic.pk for clinic in clinics]
    # Of page 1 it is read before the rows: whatever changes from here on shows as a move.
    state: Seen = {
        "sequence": change_sequence(ids),
        "dates": [refill_list.clinic_date(clinic, now).isoformat() for clinic in clinics],
        "as_of": now.isoformat(),
        "query": query.fingerprint(),
    }
    first, after = _read_cursor(query, state)
    pumps = worklist.listed_pumps(ids, now)
    rows = worklist.page(pumps, query.filters, size=query.page_size + 1, after=after)
    more = len(rows) > query.page_size
    rows = rows[: query.page_size]
    counts = worklist.count(ids, query.filters, now)
    sweep = scans.last_complete_sweep()
    computed_at = iso_z(sweep.finished_at) if sweep and sweep.finished_at else None
    # Read again after the rows: a change that they show has committed, and so has its sequence.
    sequence = change_sequence(ids)
    moved = (first["sequence"], first["dates"]) != (sequence, state["dates"])
    moved = moved or _booking_passed(query, first, ids, now)
    return {
        "as_of": iso_z(now),
        "computed_at": computed_at,
        "stale": scans.is_stale(sweep, now),
        "total_count": counts.listed,
        "active_count": counts.active,
        "excluded_count": counts.excluded,
        "hidden_more_urgent": counts.hidden_more_urgent,
        "complete": not more and not moved,
        "next": _next_address(request, first, rows[-1].position) if more else None,
        "unimported_rows": [refill_list.refused_row(row) for row in open_refused_rows(ids)],
        "results": [refill_list.item(row) for row in rows],
    }


def _booking_passed(query: Query, first: Seen, ids: list[int], now: datetime) -> bool:
    """Whether a pump changed sides since page 1 because its appointment's hour came: nothing was
    recorded, yet of the unbooked it is one now, perhaps on a page already read."""
    if query.filters.unbooked is None or not query.cursor:
        return False
    return began_between(ids, datetime.fromisoformat(first["as_of"]), now)


def _read_cursor(query: Query, state: Seen) -> tuple[Seen, Position | None]:
    """What page 1 saw, and where this page goes on."""
    if not query.cursor:
        return state, None
    try:
        cursor: Seen = signing.loads(query.cursor, salt=CURSOR_SALT)
    except signing.BadSignature as error:
        raise BadQuery(
            [Problem("cursor", "bad_cursor", "Use the address in `next` as it is.")]
        ) from error
    if cursor["query"] != state["query"] or "as_of" not in cursor:
        raise BadQuery(
            [Problem("cursor", "bad_cursor", "Keep the filters of page 1 for the next pages.")]
        )
    return cursor, refill_list.position_from(cursor["after"])


def _next_address(request: Request, first: Seen, last: Position) -> str:
    cursor: Seen = {**first, "after": refill_list.position_as_list(last)}
    parameters = request.query_params.copy()
    parameters["cursor"] = signing.dumps(cursor, salt=CURSOR_SALT, compress=True)
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def _etag(found: refill_list.Answer) -> str:
    """Weak: over what the client acts on. `computed_at` moves with every sweep and is left out."""
    kept: dict[str, object] = {
        name: value for name, value in found.items() if name not in ("as_of", "computed_at", "next")
    }
    # A client that asks again after midnight must see the new day, even if no row changed.
    kept["dates"] = sorted({row["as_of_date"] for row in found["results"]} | {found["as_of"][:10]})
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    return f'W/"{digest[:32]}"'


def _has_it(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag; weak and strong forms compare as one (RFC 9110)."""
    named = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in named or etag.removeprefix("W/") in named


def _audit(client: ApiClient, clinics: list[Clinic], now: datetime, rows: int) -> None:
    for clinic in clinics:
        audit.record(
            event="list.read",
            by=client,
            at=now,
            clinic_id=clinic.pk,
            subject_type="clinic",
            subject_id=clinic.uuid,
            after={"rows": rows},
        )
