"""What a projection case may say, value by value: the last that is taken, the first that is not."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from alarms.domain import parsing
from alarms.domain.parsing import Reader, Unreadable
from core.rules import Problem


def code(read: Callable[[Any], Any], value: Any) -> str:
    """The code that a value is refused by."""
    with pytest.raises(Unreadable) as caught:
        read(value)
    return caught.value.code


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("350", "350"), (" 0.5 ", "0.5"), ("-2", "-2"), ("+2.", "2"), (".5", "0.5"),
        ("1e3", "1000"), (Decimal("0.25"), "0.25"), (7, "7"), (10**30 - 1, str(10**30 - 1)),
        ("9" * 31, "9" * 31), ("1e30", "1e30"), ("1e-30", "1e-30"),
        ("0." + "1" * 40, "0." + "1" * 40),
    ],
)  # fmt: skip
def test_a_number_is_read_exactly(value: Any, found: str) -> None:
    assert parsing.number(value) == Decimal(found)


@pytest.mark.parametrize(
    "value",
    ["", "1,5", "x", "1 2", "NaN", "1e1234", None, True, [], 0.5, 10**30, -(10**30), "1e31",
     "1e-31", "0." + "1" * 41, "٣", Decimal("Infinity")],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(value: Any) -> None:
    assert code(parsing.number, value) == "not_a_number"


def test_positive_and_not_negative_differ_at_zero() -> None:
    assert parsing.positive("0.001") == Decimal("0.001")
    assert code(parsing.positive, "0") == code(parsing.positive, "-1") == "not_positive"
    assert parsing.not_negative("0") == 0
    assert code(parsing.not_negative, "-0.001") == "not_positive"
    assert code(parsing.positive, "x") == code(parsing.not_negative, "x") == "not_a_number"


def test_a_whole_number_has_no_fraction_and_stays_within_a_million() -> None:
    assert [parsing.whole(one) for one in ("1000000", "-1000000", "12.0")] == [10**6, -(10**6), 12]
    for outside in ("1000001", "-1000001", "0.5"):
        assert code(parsing.whole, outside) == "not_a_number"
    from_two = parsing.whole_from(2)
    assert from_two("2") == 2
    assert code(from_two, "1") == "not_positive"


def test_an_offset_is_at_most_a_day() -> None:
    assert [parsing.offset(one) for one in (1440, -1440)] == [1440, -1440]
    assert code(parsing.offset, 1441) == code(parsing.offset, -1441) == "not_a_number"


def test_only_true_and_false_are_true_and_false() -> None:
    assert parsing.boolean(True) is True
    assert parsing.boolean(False) is False
    assert code(parsing.boolean, 1) == code(parsing.boolean, "true") == "missing"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22 10:00:00-07:00", datetime(2026, 11, 22, 17, tzinfo=UTC)),
        ("2026-11-22T10:00:00.5Z", datetime(2026, 11, 22, 10, 0, 0, 500_000, UTC)),
        ("2026-11-22T10:00:00.000001Z", datetime(2026, 11, 22, 10, 0, 0, 1, UTC)),
        ("2026-11-22T10:00:00.1234569Z", datetime(2026, 11, 22, 10, 0, 0, 123_456, UTC)),
        ("1800-01-01T00:00:00Z", datetime(1800, 1, 1, tzinfo=UTC)),
        ("9000-12-31T23:59:59Z", datetime(9000, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_to_the_microsecond_and_cut_off_there(
    text: str, found: datetime
) -> None:
    assert parsing.instant(text) == found
    assert parsing.instant(text).utcoffset() == datetime(2026, 1, 1, tzinfo=UTC).utcoffset()


@pytest.mark.parametrize(
    "value",
    ["2026-11-22T10:00:00", "2026-11-22", "2026-13-01T10:00:00Z", "2026-11-22T10:00Z", None, 5,
     "1799-12-31T23:59:59Z", "9001-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00",
     "2026-11-22T25:00:00Z"],
)  # fmt: skip
def test_no_other_text_is_an_instant(value: Any) -> None:
    assert code(parsing.instant, value) == "bad_instant"


def test_a_date_is_written_with_dashes_and_exists() -> None:
    assert parsing.day("2028-02-29") == date(2028, 2, 29)
    for wrong in ("2027-02-29", "20280229", "2028-2-9", "2028-02-29T", 20280229, None):
        assert code(parsing.day, wrong) == "bad_instant"


def test_a_time_is_hours_and_minutes_of_one_day() -> None:
    assert [parsing.minute_of_day(one) for one in ("00:00", "01:05", "19:59", "23:59")] == [
        0, 65, 1199, 1439,
    ]  # fmt: skip
    for wrong in ("24:00", "12:60", "1:00", "12.00", "12:00:00", 720, None):
        assert code(parsing.minute_of_day, wrong) == "bad_time"


def read(source: Any, path: str = "pump") -> tuple[Reader, list[Problem]]:
    problems: list[Problem] = []
    return Reader(source, path, problems), problems


def said(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in problems]


def test_what_is_no_object_is_one_problem_and_not_one_for_each_field() -> None:
    nothing: tuple[Any, ...] = (None, [], "pump")
    for source in nothing:
        reader, problems = read(source)
        assert reader.required("volume", parsing.number) is None
        assert reader.nullable("days", parsing.whole) is None
        assert reader.items("steps") == []
        assert reader.optional("lead", parsing.whole, 7) == 7
        assert said(problems) == [("pump", "missing")]
        assert reader.absent
        assert reader.failed


def test_a_field_that_is_needed_is_named_with_its_path() -> None:
    reader, problems = read({"volume": None, "bad": "x", "good": "5"})
    assert not reader.absent
    assert reader.required("good", parsing.number) == 5
    assert not reader.failed
    assert reader.required("volume", parsing.number) is None
    assert reader.required("other", parsing.number) is None
    assert reader.required("bad", parsing.number) is None
    assert reader.failed
    assert said(problems) == [
        ("pump.volume", "missing"), ("pump.other", "missing"), ("pump.bad", "not_a_number"),
    ]  # fmt: skip
    top, problems = read({}, "")
    top.required("volume", parsing.number)
    assert said(problems) == [("volume", "missing")]


def test_an_optional_field_has_its_default_where_it_is_absent_null_or_unreadable() -> None:
    reader, problems = read({"null": None, "bad": "x", "zero": 0})
    assert reader.optional("absent", parsing.whole, 7) == 7
    assert reader.optional("null", parsing.whole, 7) == 7
    assert problems == []
    assert reader.optional("zero", parsing.whole, 7) == 0
    assert not reader.failed
    assert reader.optional("bad", parsing.whole, 7) == 7
    assert said(problems) == [("pump.bad", "not_a_number")]


def test_a_nullable_field_must_be_written_out() -> None:
    reader, problems = read({"null": None, "days": 180, "bad": "x"})
    assert reader.nullable("null", parsing.whole) is None
    assert reader.nullable("days", parsing.whole) == 180
    assert problems == []
    assert reader.nullable("absent", parsing.whole) is None
    assert reader.nullable("bad", parsing.whole) is None
    assert said(problems) == [("pump.absent", "missing"), ("pump.bad", "not_a_number")]


def test_the_members_of_a_list_are_counted_from_zero() -> None:
    reader, problems = read({"steps": ["a", "b"], "null": None, "text": "ab"})
    assert reader.items("steps") == [("pump.steps[0]", "a"), ("pump.steps[1]", "b")]
    assert reader.items("null") == reader.items("absent") == []
    assert problems == []
    assert reader.items("text") == []
    assert said(problems) == [("pump.text", "missing")]
