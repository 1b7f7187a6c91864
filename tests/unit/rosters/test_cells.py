"""What nurses type into single cells: read exactly, or refused with a sentence; never guessed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosters.domain import cells, numbers
from rosters.domain.dates import LocalMoment, moment, time_of_day, writes_day_first
from rosters.domain.errors import CellError
from rosters.domain.schedule import DAYS, TypedGroup, schedule
from tests.examples import examples

DENVER = ZoneInfo("America/Denver")


def refused(reader: Callable[[str, str], object], text: str, column: str = "Daily Dose") -> str:
    with pytest.raises(CellError) as caught:
        reader(column, text)
    assert caught.value.message.startswith(column)
    assert caught.value.message.endswith(".")
    assert str(caught.value) == caught.value.code  # what a traceback would show
    return caught.value.code


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-02", "2026-9-2", "2026/09/02", "9/2/2026", "09/02/2026", "02-Sep-2026",
        "2-SEP-2026", "2 september 2026", "02/Sep/2026", "2-Sept-2026", "Sep 2, 2026",
        "September 2nd, 2026", " 2026-09-02\u00a0", "\u200e2026\u201109-02",
        "２０２６-09-02", "2026–09–02", "9/2/2026 0:00", "'2026-09-02", "9/2/2026 12:00 AM",
        "2026-09-02 00:00:00",
    ],
)  # fmt: skip
def test_dates_that_can_be_read_in_one_way_only(text: str) -> None:
    read = moment("Last Refill", text)
    assert (read.day, read.at or time(0)) == (date(2026, 9, 2), time(0))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-09-02 08:30", time(8, 30)), ("2026-09-02T08:30", time(8, 30)),
        ("2026-09-02 08:30:15", time(8, 30, 15)), ("9/2/2026 8:30 PM", time(20, 30)),
        ("9/2/2026 8:30pm", time(20, 30)), ("9/2/2026, 8:30 a.m.", time(8, 30)),
        ("9/2/2026 12:15 am", time(0, 15)), ("9/2/2026 12 pm", time(12)),
        ("02-Sep-2026 0830", time(8, 30)), ("Sep 2 2026 7pm", time(19)),
    ],
)  # fmt: skip
def test_times_beside_a_date(text: str, at: time) -> None:
    assert moment("Last Refill", text) == LocalMoment(date(2026, 9, 2), at)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("8/11/26", "ambiguous_date"), ("8/11/26 08:30", "ambiguous_date"),
        ("02-Sep-26", "ambiguous_date"), ("Sep 2, '26", "ambiguous_date"),
        ("26-09-02", "ambiguous_date"), ("8/11", "ambiguous_date"), ("2-Sep", "ambiguous_date"),
        ("2.9.2026", "ambiguous_date"), ("9-2-2026", "ambiguous_date"),
        ("25/9/2026", "bad_date"), ("2/30/2026", "bad_date"), ("30-Feb-2026", "bad_date"),
        ("2026-13-01", "bad_date"), ("29-Feb-2027", "bad_date"), ("1/1/0026", "bad_date"),
        ("46267", "bad_date"), ("46267.354", "bad_date"), ("20260902", "bad_date"),
        ("?", "bad_date"), ("unknown", "bad_date"), ("last week", "bad_date"),
        ("Wed 9/2/2026", "bad_date"), ("02-Sen-2026", "bad_date"), ("9/2/2026?", "bad_date"),
        ("~9/2/2026", "bad_date"), ("9/2/2026 or 9/3/2026", "bad_date"), ("=M2+90", "bad_date"),
        ("2026-09-02 08:30-06:00", "bad_date"), ("٢٠٢٦-٠٩-٠٢", "bad_date"), ("", "bad_date"),
        ("2026-09-02 24:00", "bad_time"), ("2026-09-02 8", "bad_time"),
        ("9/2/2026 13:00 pm", "bad_time"), ("9/2/2026 0:30 pm", "bad_time"),
        ("#VALUE!", "excel_error"), ("#N/A", "excel_error"), ("########", "excel_error"),
    ],
)  # fmt: skip
def test_dates_in_doubt_are_refused(text: str, code: str) -> None:
    assert refused(moment, text, "Last Refill") == code


def test_an_identifying_column_is_never_quoted() -> None:
    with pytest.raises(CellError) as caught:
        moment("DOB", "3/9/14")
    assert "3/9/14" not in caught.value.message


def test_a_sheet_that_writes_the_day_first_has_no_month_first_dates() -> None:
    assert writes_day_first(["25/9/2026", "8/11/2026", "2026-09-02"])
    assert not writes_day_first(["25/9/2026", "8/11/2026", "9/25/2026"])  # one typing error
    assert not writes_day_first(["8/11/2026"])
    with pytest.raises(CellError) as caught:
        moment("Last Refill", "8/11/2026", day_first_sheet=True)
    assert caught.value.code == "ambiguous_date"
    assert moment("Last Refill", "8/8/2026", day_first_sheet=True).day == date(2026, 8, 8)


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        (date(2026, 9, 2), None, datetime(2026, 9, 2, 6, tzinfo=UTC)),
        (date(2026, 12, 2), time(8, 30), datetime(2026, 12, 2, 15, 30, tzinfo=UTC)),
        # 01:30 comes twice on the night when clocks go back: the first one warns earlier.
        (date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        # 02:30 does not come when clocks go forward: 01:30 is the earlier reading.
        (date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_local_time_in_doubt_is_the_earlier_instant(
    day: date, at: time | None, instant: datetime
) -> None:
    assert LocalMoment(day, at).instant(DENVER) == instant


@given(st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)), st.booleans())
def test_a_real_date_reads_back_from_each_of_its_forms(value: datetime, timed: bool) -> None:
    value = value.replace(second=0, microsecond=0)
    tail = f" {value:%H:%M}" if timed else ""
    forms = [f"{value:%Y-%m-%d}", f"{value.month}/{value.day}/{value.year}", f"{value:%d-%b-%Y}"]
    expected = LocalMoment(value.date(), value.time() if timed else None)
    assert {moment("Last Refill", form + tail) for form in forms} == {expected}


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mcg", "converted"),
    [
        ("350", "350", False), ("'350", "350", False), ("350.5", "350.5", False),
        ("1,200", "1200", False),
        ("1,191.2 mcg/day", "1191.2", False), ("350mcg/day", "350", False),
        ("350 µg/day", "350", False), ("350 μg/d", "350", False), ("350 ug/24h", "350", False),
        ("350 MCG / DAY", "350", False), ("350 mcg per day", "350", False),
        ("350 micrograms daily", "350", False), ("350 daily", "350", False),
        ("350\u00a0mcg/day", "350", False), ("３５０", "350", False),
        ("350 mcg/24 hrs.", "350", False), ("1 milligram per day", "1000", True),
        ("0.411 mg/day", "411", True), (".5 mg/d", "500", True),
    ],
)  # fmt: skip
def test_doses_as_typed(text: str, mcg: str, converted: bool) -> None:
    assert numbers.dose_per_day("Daily Dose", text) == numbers.Quantity(Decimal(mcg), converted)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("350 mcg/hr", "unknown_unit"), ("14.6 mcg/h", "unknown_unit"), ("350 mL", "unknown_unit"),
        ("350 mcg/kg/day", "unknown_unit"), ("35O", "unknown_unit"), ("350 g/day", "unknown_unit"),
        ("350 mcg/day (was 320)", "unknown_unit"), ("350 ng/day", "unknown_unit"),
        ("285,5", "not_a_number"), ("0,411 mg/day", "not_a_number"), ("1.200,5", "not_a_number"),
        ("12,34", "not_a_number"), ("1,00,0", "not_a_number"), ("1 200", "not_a_number"),
        ("~350", "not_a_number"), ("350-380", "not_a_number"), ("-350", "not_a_number"),
        ("350.", "not_a_number"), ("350 → 380", "not_a_number"), ("350?", "not_a_number"),
        ("?", "not_a_number"), ("see chart", "not_a_number"), ("٣٥٠", "not_a_number"),
        ("10²", "not_a_number"), ("½", "not_a_number"), ("1e3", "unknown_unit"),
        ("9" * 30, "not_a_number"), ("#REF!", "excel_error"), ("=A1*2", "not_a_number"),
    ],
)  # fmt: skip
def test_doses_in_doubt_are_refused(text: str, code: str) -> None:
    assert refused(numbers.dose_per_day, text) == code


@pytest.mark.parametrize(
    ("text", "value", "converted"),
    [
        ("1,000 mcg/ml", "1000", False), ("2000", "2000", False), ("2 mg/mL", "2000", True),
        ("500mcg/cc", "500", False), ("0.5 mg/ml", "500", True), ("2000 µg per mL", "2000", False),
    ],
)  # fmt: skip
def test_concentrations_as_typed(text: str, value: str, converted: bool) -> None:
    read = numbers.concentration("Concentration", text)
    assert read == numbers.Quantity(Decimal(value), converted)


@pytest.mark.parametrize("text", ["2000 mcg", "0.05%", "40 mg/20 mL", "2000 mcg/day", "2 g/L"])
def test_concentrations_in_another_unit_are_refused(text: str) -> None:
    assert refused(numbers.concentration, text, "Concentration") == "unknown_unit"


@pytest.mark.parametrize("text", ["40", "40 mL", "40ml", "40 cc", "40.0"])
def test_volumes_as_typed(text: str) -> None:
    assert numbers.volume("Volume (mL)", text).value == 40


def test_a_figure_that_would_be_rounded_is_refused() -> None:
    numbers.check_decimals("Daily Dose", Decimal("285.33330"), 4)
    with pytest.raises(CellError) as caught:
        numbers.check_decimals("Daily Dose", Decimal("285.33333"), 4)
    assert caught.value.code == "too_many_decimals"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("703000", "703000"), ("703000.0", "703000"), ("'00703000", "00703000"),
        (" MRN-7 ", "MRN-7"), ("\ufeff703\u200b000", "703000"), ("７０３", "703"),
        ("12.50", "12.50"),
    ],
)  # fmt: skip
def test_identifiers_lose_only_what_excel_added(text: str, value: str) -> None:
    assert cells.identifier("MRN", text, 32) == value


@pytest.mark.parametrize(
    "text", ["7.03E+11", "7,03E+11", "#703", "703,000", "703*", "МRN7", "7\n8*"]
)
def test_identifiers_that_are_none(text: str) -> None:
    assert refused(lambda c, t: cells.identifier(c, t, 32), text, "MRN") == "bad_identifier"


@pytest.mark.parametrize("text", ["", " ", "-", "—", "n/a", "N/A", "none", "\u00a0"])
def test_what_says_that_there_is_nothing(text: str) -> None:
    assert cells.is_nothing(text)
    assert refused(lambda c, t: cells.identifier(c, t, 32), text, "MRN") == "missing"


def test_a_name_is_kept_word_for_word() -> None:
    for name in (
        '=HYPERLINK("http://x.example")',
        "O’Neil",
        "Nguyễn",
        "+Ana",
        "@mia",
        "Na",
        "-Lee",
    ):
        assert cells.words("Last Name", f" {name}\u00a0", 120) == name
    assert cells.words("Last Name", "Zoe\u0308", 120) == "Zo\u00eb"


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("simple", "simple_continuous"), ("Continuous", "simple_continuous"),
        ("SIMPLE  CONTINUOUS", "simple_continuous"), ("Simple-Continuous", "simple_continuous"),
        ("Flex", "flex"), ("flex mode", "flex"), ("Min. rate", "minimum_rate"),
        ("Stopped", "stopped"),
    ],
)  # fmt: skip
def test_modes(text: str, mode: str) -> None:
    assert cells.mode("Mode", text) == mode


def test_a_mode_without_columns_in_the_sheet_is_refused_with_the_way_out() -> None:
    assert refused(cells.mode, "Periodic bolus", "Mode") == "unknown_mode"


@pytest.mark.parametrize(
    "text", ["801-555-3484", "(801) 555-3484 cell", "8015553484", "+1 801 555 3484"]
)
def test_phones_are_kept_as_typed(text: str) -> None:
    assert cells.phone("Guardian Phone", text) == text


def test_contacts_that_are_none_are_refused() -> None:
    assert cells.phone("Guardian Phone", "8015553484.0") == "8015553484"
    assert refused(cells.phone, "ask school", "Guardian Phone") == "contact_unclear"
    assert cells.email("Email", "mailto:Family@Example.org") == "Family@Example.org"
    for text in ("family34", "a@b", "a@b.org, c@d.org", "Mom <a@b.org>"):
        assert refused(cells.email, text, "Email") == "contact_unclear"


# --- schedules -----------------------------------------------------------------------------------

EVERY_DAY = (
    TypedGroup(DAYS, ((0, Decimal("66.8")), (420, Decimal(167)), (1170, Decimal("100.2")))),
)
WEEK = (
    TypedGroup(DAYS[:5], ((0, Decimal(285)),)),
    TypedGroup(DAYS[5:], ((0, Decimal(228)),)),
)


@pytest.mark.parametrize(
    "text",
    [
        "00:00 66.8, 07:00 167.0, 19:30 100.2",
        "0:00 66.8,7:00 167,19:30 100.2",
        "00:00 66.8\n07:00 167.0\r\n19:30 100.2",
        "00:00 66.8; 07:00 167.0; 19:30 100.2;",
        "00:00 = 66.8 mcg, 07:00 = 167.0 mcg, 19:30 = 100.2 mcg",
        "12:00 AM 66.8, 7:00 am 167, 7:30pm 100.2",
        "0000 66.8, 0700 167.0, 1930 100.2",
        "00:00\u00a066.8,\u00a007:00\u00a0167.0, 19：30 100.2",
        "Daily: 00:00 66.8, 07:00 167.0, 19:30 100.2",
        "mon-sun: 00:00 66.8, 07:00 167.0, 19:30 100.2",
    ],
)
def test_one_schedule_for_every_day(text: str) -> None:
    assert schedule("Schedule", text).groups == EVERY_DAY


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri: 00:00 285.0 | Sat-Sun: 00:00 228.0",
        "mon–fri: 00:00 285 | SAT–SUN: 00:00 228",
        "Monday to Friday 00:00 285.0; Saturday and Sunday 00:00 228.0",
        "Mon, Tues, Wed, Thurs, Fri: 00:00 285\nSat/Sun: 00:00 228",
        "Weekdays: 00:00 285 | weekend: 00:00 228",
        "Mon Tue Wed Thu Fri: 00:00 285 | Sat & Sun: 00:00 228",
    ],
)
def test_day_groups(text: str) -> None:
    assert schedule("Schedule", text).groups == WEEK


def test_ranges_may_pass_sunday_and_doses_may_have_thousands() -> None:
    read = schedule("Schedule", "Sat-Mon: 00:00 1,191.2, 12:00 5 | Tue-Fri: 00:00 953.0")
    assert [group.days for group in read.groups] == [
        ("sat", "sun", "mon"), ("tue", "wed", "thu", "fri"),
    ]  # fmt: skip
    assert read.groups[0].total_mcg == Decimal("1196.2")


def test_a_step_in_mg_is_converted_and_told() -> None:
    read = schedule("Schedule", "00:00 0.0668 mg, 07:00 167")
    assert (read.groups[0].steps[0], read.converted) == ((0, Decimal("66.8")), True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("00:00 66,8, 07:00 167,0", "bad_schedule"), ("00:00-07:00 66.8", "bad_schedule"),
        ("00:00 66.8 07:00 167", "bad_schedule"), ("see printout", "bad_schedule"),
        ("?", "bad_schedule"),
        ("M-F: 00:00 285 | S-S: 00:00 228", "bad_schedule"), ("66.8", "bad_schedule"),
        ("Mon-Fri: 00:00 285.0, Sat-Sun: 00:00 228.0", "bad_schedule"),
        ("Mon-Fri: 00:00 285 | 00:00 228", "bad_schedule"), ("Mon-Fri:", "bad_schedule"),
        ("Mon-Fro: 00:00 285", "bad_schedule"), ("00:00 66.8, 07:00", "bad_schedule"),
        ("7:00 am 167, 7:30 100", "bad_schedule"), ("00:00 +20%", "bad_schedule"),
        ("25:00 66.8", "bad_time"), ("00:00 66.8 mcg/hr", "unknown_unit"),
        ("00:00 66.8 mcg/day", "unknown_unit"), ("#NAME?", "excel_error"),
        ("0" * 3000, "bad_schedule"),
    ],
)  # fmt: skip
def test_schedules_in_doubt_are_refused(text: str, code: str) -> None:
    assert refused(schedule, text, "Schedule") == code


steps = st.lists(
    st.tuples(st.integers(0, 1439), st.decimals("0.1", 3000, places=1)), min_size=1, max_size=13
)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), steps), min_size=1, max_size=4))
def test_a_schedule_reads_back_as_it_was_written(
    groups: list[tuple[int, int, list[tuple[int, Decimal]]]],
) -> None:
    def typed(group: list[tuple[int, Decimal]]) -> str:
        return ", ".join(f"{m // 60:02}:{m % 60:02} {dose}" for m, dose in group)

    text = " | ".join(f"{DAYS[a].title()}-{DAYS[b].title()}: {typed(g)}" for a, b, g in groups)
    read = schedule("Schedule", text).groups
    assert [group.steps for group in read] == [tuple(g) for _, _, g in groups]
    assert [(g.days[0], g.days[-1]) for g in read] == [(DAYS[a], DAYS[b]) for a, b, _ in groups]


# --- whatever is typed ---------------------------------------------------------------------------

ODD = st.text(
    st.sampled_from(
        "0123456789:.,-/ |;=+@'\"’“µμ–—\u00a0\u200b\ufeff\n\t%#?()ampMonSepTdy８٣²½mgcl"
    ),
    max_size=30,
)
READERS: list[Callable[[str, str], object]] = [
    moment, time_of_day, numbers.dose_per_day, numbers.step_dose, numbers.concentration,
    numbers.volume, cells.mode, cells.email, cells.phone, schedule, cells.check_cell,
    lambda c, t: cells.identifier(c, t, 32), lambda c, t: cells.words(c, t, 120),
]  # fmt: skip


@examples(600)
@given(st.one_of(ODD, st.text(max_size=60)))
def test_no_text_raises_anything_but_the_declared_error(text: str) -> None:
    refusals = []
    for reader in READERS:
        try:
            reader("Notes", text)
        except CellError as error:
            refusals.append(error)
    assert all(error.code and error.message.endswith(".") for error in refusals)


@given(ODD)
def test_a_number_that_is_read_was_typed_digit_by_digit(text: str) -> None:
    try:
        quantity = numbers.dose_per_day("Daily Dose", text)
    except CellError:
        return
    typed = "".join(c for c in cells.tidy(text).split("/")[0] if c in "0123456789.")
    assert quantity.value in (Decimal(typed), Decimal(typed) * 1000)
