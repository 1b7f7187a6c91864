"""The shapes of the API for its OpenAPI schema."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from alarms.domain.status import Status

REFILLS_DUE = """
Every active pump that needs a refill, the most urgent first: `unknown`, `empty`, `alarm`,
`overdue`, `due`, `not_due`; then by alarm date, due date and pump, no date first. An unknown pump
counts as due and passes every date filter. `complete` is true on the last page when nothing moved
since page 1, and with `unbooked` when no appointment's hour came since then; otherwise read the
list again from its start. `hidden_more_urgent` says how many more
urgent pumps your filter leaves out. Send `If-None-Match` with the last `ETag` to get 304 when
nothing changed; `X-Computed-At` comes with both answers.
"""


def _query(name: str, kind: object, text: str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text)  # type: ignore[arg-type]


QUERY_PARAMETERS = [
    _query("due_before", OpenApiTypes.DATE, "Pumps due by this day, also those not due yet."),
    _query("due_after", OpenApiTypes.DATE, "Pumps due on or after this day."),
    _query("status", OpenApiTypes.STR, f"One or several with commas: {', '.join(Status)}."),
    _query("unbooked", OpenApiTypes.BOOL, "true: only pumps without a booking by the due date."),
    _query("clinic", OpenApiTypes.STR, "A clinic's slug or id; without it, all of the token's."),
    _query(
        "search",
        OpenApiTypes.STR,
        "Words in the name, the MRN or the serial number, in any case and without accents; or a "
        "phone number of the family.",
    ),
    _query("page_size", OpenApiTypes.INT, "1 to 200; 50 without it."),
    _query("cursor", OpenApiTypes.STR, "From `next`; keep the other parameters as they were."),
]


class PatientSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    mrn = serializers.CharField()
    name = serializers.CharField()
    date_of_birth = serializers.DateField()


class PumpSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    model = serializers.CharField()
    serial_number = serializers.CharField(allow_blank=True)


class AppointmentSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()


class ItemSerializer(serializers.Serializer[object]):
    patient = PatientSerializer()
    pump = PumpSerializer()
    clinic = serializers.SlugField()
    as_of_date = serializers.DateField(help_text="The clinic's date that the status is of.")
    status = serializers.ChoiceField([status.value for status in Status])
    reason = serializers.CharField(allow_null=True, help_text="Why the status is unknown.")
    window_opens_on = serializers.DateField(allow_null=True)
    refill_due_on = serializers.DateField(allow_null=True)
    alarm_date = serializers.DateField(allow_null=True)
    earliest_empty_date = serializers.DateField(allow_null=True)
    empty_date = serializers.DateField(allow_null=True)
    printed_alarm_date = serializers.DateField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    days_to_alarm = serializers.IntegerField(allow_null=True)
    binding_clock = serializers.CharField(allow_null=True)
    daily_dose_mcg = serializers.CharField(allow_null=True)
    concentration_mcg_per_ml = serializers.CharField(allow_null=True)
    appointment = AppointmentSerializer(allow_null=True)


class RowErrorSerializer(serializers.Serializer[object]):
    column = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class RefusedRowSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    clinic = serializers.SlugField()
    row = serializers.IntegerField()
    mrn = serializers.CharField(allow_blank=True)
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]
    imported_on = serializers.DateTimeField()


class RefillsDueSerializer(serializers.Serializer[object]):
    as_of = serializers.DateTimeField()
    computed_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last complete sweep ended."
    )
    stale = serializers.BooleanField(help_text="The last complete sweep is too old to rely on.")
    total_count = serializers.IntegerField()
    active_count = serializers.IntegerField()
    excluded_count = serializers.IntegerField()
    hidden_more_urgent = serializers.IntegerField()
    complete = serializers.BooleanField()
    next = serializers.URLField(allow_null=True)
    unimported_rows = RefusedRowSerializer(many=True)
    results = ItemSerializer(many=True)


class FieldErrorSerializer(serializers.Serializer[object]):
    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[object]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class ResultSerializer(serializers.Serializer[object]):
    """What `manage.py projection` answers for one case."""

    id = serializers.JSONField(allow_null=True)
    status = serializers.ChoiceField(["known", "unknown", "error"])
    reason = serializers.CharField(allow_null=True, required=False)
    alarm_at = serializers.DateTimeField(allow_null=True, required=False)
    alarm_date = serializers.DateField(allow_null=True, required=False)
    empty_at = serializers.DateTimeField(allow_null=True, required=False)
    empty_date = serializers.DateField(allow_null=True, required=False)
    earliest_empty_date = serializers.DateField(allow_null=True, required=False)
    stability_date = serializers.DateField(allow_null=True, required=False)
    refill_due_on = serializers.DateField(required=False)
    window_opens_on = serializers.DateField(required=False)
    binding_clock = serializers.CharField(required=False)
    may_be_empty_before_alarm = serializers.BooleanField(required=False)
    may_be_empty_before_due = serializers.BooleanField(required=False)
    residual_ml = serializers.ListField(child=serializers.CharField(), required=False)
    daily_dose_mcg = serializers.CharField(required=False)
    daily_dose_min_mcg = serializers.CharField(required=False)
    daily_volume_ml = serializers.CharField(required=False)
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the OpenAPI schema of the bearer token."""

    target_class = "itbclinic.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "itb_…"}
