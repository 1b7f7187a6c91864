"""`POST /api/v1/projections/what-if/`: what a pump's dates would be. It stores nothing."""

from collections.abc import Mapping
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from alarms.domain.case_lines import answer_line

from . import schemas

MAX_BYTES = 32_000  # a case is a few kB; exact sums over many boluses take long


class RawJsonParser(BaseParser):
    """Hands the bytes on: the core reads the numbers itself, exactly, and explains bad JSON."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, object] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ParseError("The case is larger than 32 kB.")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ParseError("The case is not UTF-8.") from error


class WhatIf(APIView):
    """One projection case in, one result out: the same core as `manage.py projection`."""

    required_scope = Scope.WHAT_IF
    parser_classes = [RawJsonParser]

    @extend_schema(
        operation_id="what_if",
        summary="What-if projection",
        description="Takes a projection case and answers a result; a case with errors answers "
        "`status: error` with every error. Nothing is stored.",
        request=OpenApiTypes.OBJECT,
        responses={200: schemas.ResultSerializer, 401: schemas.ProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        """Answer one case."""
        case = request.data
        if not isinstance(case, str):
            raise UnsupportedMediaType(str(request.content_type))
        return Response(answer_line(case))
