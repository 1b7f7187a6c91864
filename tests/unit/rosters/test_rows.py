"""One row: what it comes to, and everything that is wrong with it, by column."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosing.domain.programs import Flex, MinimumRate, SimpleContinuous, Stopped
from pumps.catalogue import DEFAULT_PUMP_MODELS
from pumps.domain.limits import PumpLimits
from rosters.domain.cells import IDENTIFYING
from rosters.domain.identity import identity_of, independent_groups, shared_numbers
from rosters.domain.row_types import (
    CataloguePump,
    Contact,
    Context,
    Identity,
    RefusedRow,
    RosterRow,
)
from rosters.domain.rows import in_sheet_order, read_row
from rosters.domain.sheet import HEADINGS, RawRow, RosterSheet
from tests.examples import examples

from .sheets import GOOD, typed

CATALOGUE = tuple(
    CataloguePump(
        catalogue_number=model["catalogue_number"],
        names=(model["name"], *model["aliases"]),
        limits=PumpLimits(
            reservoir_ml=model["reservoir_ml"],
            low_reservoir_alarm_ml=model["default_low_reservoir_alarm_ml"],
            min_ml_per_day=model["min_ml_per_day"],
            max_ml_per_day=model["max_ml_per_day"],
            flow_accuracy_percent=model["flow_accuracy_percent"],
        ),
    )
    for model in DEFAULT_PUMP_MODELS
)
CONTEXT = Context(date(2026, 11, 22), ZoneInfo("America/Denver"), CATALOGUE)


def imported(row: RawRow, context: Context = CONTEXT) -> RosterRow:
    read = read_row(row, context)
    assert isinstance(read, RosterRow), read.errors
    return read


def refused(row: RawRow, context: Context = CONTEXT) -> list[tuple[str, str]]:
    read = read_row(row, context)
    assert isinstance(read, RefusedRow)
    sheet = RosterSheet(HEADINGS, (row,))
    return [(e.column, e.code) for e in in_sheet_order(read.errors, sheet)]


def test_a_row_comes_to_typed_facts() -> None:
    assert imported(typed()) == RosterRow(
        row=2,
        identity=Identity("703001", "O'Neil", "Noor", date(2019, 10, 27), "NPX0300001H"),
        date_of_birth=date(2019, 10, 27),
        language="Vietnamese",
        diagnosis="Hereditary spastic paraplegia",
        contact=Contact("Father", "", "801-555-5226", "family@example.org"),
        catalogue_number="8637-20",
        implanted_on=date(2021, 6, 15),
        refilled_at=datetime(2026, 9, 22, 20, 30, tzinfo=UTC),
        refill_is_timed=True,
        volume_ml=Decimal(20),
        concentration_mcg_per_ml=Decimal(2000),
        program=SimpleContinuous(
            effective_at=datetime(2026, 9, 22, 20, 30, tzinfo=UTC),
            utc_offset_minutes=-360,
            concentration_mcg_per_ml=Decimal(2000),
            daily_dose_mcg=Decimal("980.1"),
        ),
        low_reservoir_alarm_ml=Decimal(4),
        printed_alarm_date=date(2026, 10, 25),
        warnings=(),
    )


def test_a_date_without_a_time_is_midnight_in_the_clinic_with_its_offset_then() -> None:
    row = imported(typed(last_refill="11/10/2026"))
    assert row.refilled_at == datetime(2026, 11, 10, 7, tzinfo=UTC)
    assert not row.refill_is_timed
    assert row.program is not None
    assert row.program.utc_offset_minutes == -420


@pytest.mark.parametrize(
    "model",
    ["8637-20", "8637 20", "synchromed ii 20ml", "SynchroMed\u00a0II 20 mL", "SYNCHROMED II 20",
     "SynchroMed® II 20 mL", "Medtronic SynchroMed II 20 mL", "8637–20"],
)  # fmt: skip
def test_the_names_that_a_pump_model_goes_by(model: str) -> None:
    assert imported(typed(pump_model=model)).catalogue_number == "8637-20"


@pytest.mark.parametrize("model", ["8840", "SynchroMed II", "20 mL", "Prometra II", "8637", "?"])
def test_a_pump_model_in_doubt_is_refused(model: str) -> None:
    assert refused(typed(pump_model=model)) == [("Pump Model", "unknown_pump_model")]


def test_a_name_that_two_models_have_names_none() -> None:
    twins = tuple(replace(entry, names=("Synchro",)) for entry in CATALOGUE[:2])
    row = typed(pump_model="synchro")
    assert refused(row, replace(CONTEXT, catalogue=twins)) == [("Pump Model", "unknown_pump_model")]


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"mrn": ""}, "MRN", "missing"),
        ({"mrn": "7.03E+11"}, "MRN", "bad_identifier"),
        ({"last_name": " "}, "Last Name", "missing"),
        ({"first_name": ""}, "First Name", "missing"),
        ({"last_name": "x" * 121}, "Last Name", "too_long"),
        ({"last_name": "#REF!"}, "Last Name", "excel_error"),
        ({"dob": ""}, "DOB", "missing"),
        ({"dob": "3/9/14"}, "DOB", "ambiguous_date"),
        ({"dob": "2026-12-24"}, "DOB", "date_in_future"),
        ({"pump_model": "n/a"}, "Pump Model", "missing"),
        ({"pump_serial": "-"}, "Pump Serial", "missing"),
        ({"implanted": "2027-01-01"}, "Implanted", "date_in_future"),
        ({"implanted": "2018-01-01"}, "Implanted", "dates_out_of_order"),
        ({"implanted": "2026-10-01"}, "Last Refill", "dates_out_of_order"),
        ({"last_refill": ""}, "Last Refill", "missing"),
        ({"last_refill": "8/11/26"}, "Last Refill", "ambiguous_date"),
        ({"last_refill": "11/23/2026"}, "Last Refill", "date_in_future"),
        ({"last_refill": "46267"}, "Last Refill", "bad_date"),
        ({"volume": ""}, "Volume (mL)", "missing"),
        ({"volume": "0"}, "Volume (mL)", "not_positive"),
        ({"volume": "20.001"}, "Volume (mL)", "fill_exceeds_reservoir"),
        ({"volume": "19.9999"}, "Volume (mL)", "too_many_decimals"),
        ({"volume": "20 mg"}, "Volume (mL)", "unknown_unit"),
        ({"concentration": ""}, "Concentration", "missing"),
        ({"concentration": "2"}, "Concentration", "concentration_out_of_range"),
        ({"concentration": "2000 mg/mL"}, "Concentration", "concentration_out_of_range"),
        ({"concentration": "Gablofen 2000"}, "Concentration", "not_a_number"),
        ({"daily_dose": "350000"}, "Daily Dose", "dose_out_of_range"),
        ({"daily_dose": "9.99"}, "Daily Dose", "dose_out_of_range"),
        ({"daily_dose": "3000.1"}, "Daily Dose", "dose_out_of_range"),
        ({"daily_dose": "3001 mg/day"}, "Daily Dose", "dose_out_of_range"),
        ({"daily_dose": "350 mcg/hr"}, "Daily Dose", "unknown_unit"),
        ({"daily_dose": "350.12345"}, "Daily Dose", "too_many_decimals"),
        ({"daily_dose": "90"}, "Daily Dose", "flow_below_minimum"),
        ({"mode": ""}, "Mode", "missing"),
        ({"mode": "Periodic bolus"}, "Mode", "unknown_mode"),
        ({"mode": "Stopped"}, "Daily Dose", "not_expected"),
        ({"mode": "Flex"}, "Schedule", "missing"),
        ({"schedule": "00:00 350"}, "Schedule", "not_expected"),
        ({"low_alarm": "20"}, "Low Alarm (mL)", "alarm_not_below_reservoir"),
        ({"low_alarm": "0"}, "Low Alarm (mL)", "not_positive"),
        ({"low_alarm": "?"}, "Low Alarm (mL)", "not_a_number"),
        ({"alarm_date": "1/2/27"}, "Alarm Date", "ambiguous_date"),
    ],
)
def test_what_is_refused_names_its_column(cells: dict[str, str], column: str, code: str) -> None:
    row = typed(**cells)
    assert refused(row) == [(column, code)]
    (error,) = read_row(row, CONTEXT).errors  # type: ignore[union-attr]
    assert column in error.message
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        ("01:00 350", "flex_not_from_midnight"),
        ("00:00 100, 12:00 50, 12:00 60", "flex_steps_unordered"),
        ("Mon-Fri: 00:00 350", "flex_days_incomplete"),
        ("Mon-Sat: 00:00 350 | Sat-Sun: 00:00 300", "flex_days_incomplete"),
        (", ".join(f"{hour:02}:00 100" for hour in range(14)), "too_many_steps"),
        ("00:00 5, 12:00 345", "flow_below_minimum"),
        ("00:00 2, 12:00 2", "dose_out_of_range"),
        ("Mon-Fri: 00:00 350 | Sat-Sun: 00:00 3001", "dose_out_of_range"),
        ("00:00 66,8", "bad_schedule"),
    ],
)
def test_a_flex_schedule_must_make_a_program(schedule: str, code: str) -> None:
    assert refused(typed(daily_dose="", mode="Flex", schedule=schedule)) == [("Schedule", code)]


def test_a_step_that_the_pump_cannot_run_is_named_as_it_was_typed() -> None:
    row = typed(daily_dose="", mode="Flex", schedule="Mon-Sun: 00:00 345, 23:00 1")
    (error,) = read_row(row, CONTEXT).errors  # type: ignore[union-attr]
    assert error.message.startswith("Schedule, Mon-Sun 23:00: ")


def test_steps_are_checked_even_where_model_and_concentration_are_not_known() -> None:
    row = typed(
        daily_dose="", mode="Flex", schedule="01:00 350", pump_model="8840", concentration="?"
    )
    assert refused(row) == [
        ("Pump Model", "unknown_pump_model"),
        ("Concentration", "not_a_number"),
        ("Schedule", "flex_not_from_midnight"),
    ]


def test_all_errors_of_a_row_come_in_the_order_of_the_sheet() -> None:
    row = typed(alarm_date="?", mrn="", volume="-", dob="3/9/14", daily_dose="350000")
    expected = [
        ("MRN", "missing"),
        ("DOB", "ambiguous_date"),
        ("Volume (mL)", "missing"),
        ("Daily Dose", "dose_out_of_range"),
        ("Alarm Date", "bad_date"),
    ]
    assert refused(row) == expected
    read = read_row(row, CONTEXT)
    assert isinstance(read, RefusedRow)
    backwards = RosterSheet(tuple(reversed(HEADINGS)), (row,))
    ordered = in_sheet_order(read.errors, backwards)
    assert [(e.column, e.code) for e in ordered] == expected[::-1]


def test_neither_dose_nor_schedule_is_imported_with_a_warning() -> None:
    for mode in ("Continuous", "Flex", "", "Periodic bolus"):
        row = imported(typed(daily_dose="n/a", mode=mode, alarm_date=""))
        assert row.program is None
        assert [w.code for w in row.warnings] == ["no_program"]


def test_a_pump_that_is_stopped_or_at_minimum_rate_has_a_program_without_a_dose() -> None:
    assert isinstance(imported(typed(daily_dose="", mode="Stopped")).program, Stopped)
    assert isinstance(imported(typed(daily_dose="-", mode="Minimum rate")).program, MinimumRate)


def test_units_that_were_converted_are_told() -> None:
    row = imported(typed(daily_dose="0.411 mg/day", concentration="1 mg/mL"))
    assert isinstance(row.program, SimpleContinuous)
    assert row.program.daily_dose_mcg == 411
    assert row.concentration_mcg_per_ml == 1000
    assert {w.code for w in row.warnings} == {
        "dose_unit_converted", "concentration_unit_converted",
    }  # fmt: skip


@pytest.mark.parametrize("dose", ["334", "334.0 mcg/day", "333.95"])
def test_a_dose_beside_a_schedule_may_be_its_total(dose: str) -> None:
    schedule = "00:00 66.8, 07:00 167.0, 19:30 100.2"
    row = imported(typed(mode="Flex", schedule=schedule, daily_dose=dose))
    assert isinstance(row.program, Flex)


def test_a_dose_beside_a_schedule_that_says_something_else_is_refused() -> None:
    schedule = "Mon-Fri: 00:00 285.0 | Sat-Sun: 00:00 228.0"
    for dose in ("285", "228", "268.7"):  # a weekday, a weekend day, the mean of the week
        imported(typed(mode="Flex", schedule=schedule, daily_dose=dose))
    row = typed(mode="Flex", schedule=schedule, daily_dose="350")
    assert refused(row) == [("Daily Dose", "dose_differs_from_schedule")]


def test_a_contact_that_cannot_be_read_keeps_no_pump_from_its_dates() -> None:
    row = imported(typed(guardian_phone="ask school", email="none yet", guardian="Maria Díaz"))
    assert row.contact == Contact(name="Maria Díaz")
    assert [w.code for w in row.warnings] == ["contact_unclear", "contact_unclear"]


@pytest.mark.parametrize("guardian", ["Mother", "foster parent", "Grandmother / Aunt", "Mom & Dad"])
def test_a_guardian_is_a_relationship_or_a_name(guardian: str) -> None:
    assert imported(typed(guardian=guardian)).contact.relationship == guardian
    assert imported(typed(guardian="Maria Motherwell")).contact.name == "Maria Motherwell"


def test_a_formula_in_a_name_stays_text() -> None:
    row = imported(typed(last_name='=HYPERLINK("http://x.example")', first_name="-"))
    assert row.identity.family_name == '=HYPERLINK("http://x.example")'
    assert row.identity.given_name == ""


def test_blank_low_alarm_and_blank_alarm_date_stay_open() -> None:
    row = imported(typed(low_alarm=" ", alarm_date="—", implanted=""))
    assert (row.low_reservoir_alarm_ml, row.printed_alarm_date, row.implanted_on) == (
        None, None, None,
    )  # fmt: skip


def test_a_line_with_shifted_cells_says_only_that() -> None:
    row = RawRow(2, {**GOOD, "Daily Dose": "350000"}, surplus_cells=1)
    assert refused(row) == [("(row)", "too_many_cells")]


# --- rows among themselves -----------------------------------------------------------------------


def people(*rows: dict[str, str]) -> list[RawRow]:
    return [RawRow(line, {**GOOD, **cells}) for line, cells in enumerate(rows, start=2)]


def test_an_mrn_that_an_earlier_row_has_for_somebody_else() -> None:
    rows = people(
        {"Volume (mL)": "?"},  # fails, and has the number all the same
        {"Last Name": "Tsosie", "Pump Serial": "B"},
        {"Last Name": "o’neil", "Last Refill": "2026-10-22"},
        {"DOB": "2019-10-28"},
        {"DOB": "?"},  # cannot be told apart; refused for its date anyway
    )
    found = shared_numbers(rows)
    assert {line: [(e.column, e.code) for e in errors] for line, errors in found.items()} == {
        3: [("MRN", "duplicate_mrn")],
        5: [("MRN", "duplicate_mrn")],
    }


def test_a_serial_number_that_an_earlier_row_has_under_another_mrn() -> None:
    rows = people({}, {"MRN": "8", "Last Name": "Ali", "Pump Serial": "npx 0300001h"})
    assert [e.code for e in shared_numbers(rows)[3]] == ["duplicate_serial"]


def test_messages_about_other_rows_name_lines_and_nobody() -> None:
    rows = people({}, {"Last Name": "Tsosie"}, {"MRN": "8"})
    for errors in shared_numbers(rows).values():
        for error in errors:
            assert not any(GOOD[h] in error.message for h in ("MRN", "Last Name", "Pump Serial"))


def test_groups_hold_all_rows_that_share_a_number() -> None:
    rows = people(
        {"MRN": "1", "Pump Serial": "A"},
        {"MRN": "2", "Pump Serial": "B"},
        {"MRN": "3", "Pump Serial": "C"},
        {"MRN": "1", "Pump Serial": "B"},
        {"MRN": "", "Pump Serial": ""},
        {"MRN": "2", "Pump Serial": "D"},
    )
    assert [[r.row for r in group] for group in independent_groups(rows)] == [
        [2, 3, 5, 7], [4], [6],
    ]  # fmt: skip


@examples(150)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_groups_part_the_rows_and_nothing_is_shared_between_them(
    numbers: list[tuple[int, int]],
) -> None:
    rows = people(*({"MRN": f"M{a}", "Pump Serial": f"S{b}"} for a, b in numbers))
    groups = independent_groups(rows)
    assert sorted(r.row for group in groups for r in group) == [r.row for r in rows]
    numbers_of = [
        {x for r in g for x in (identity_of(r).mrn, identity_of(r).serial_number)} for g in groups
    ]
    assert sum(map(len, numbers_of)) == len(set().union(*numbers_of))


ANYTHING = st.one_of(
    st.text(max_size=20),
    st.sampled_from([*GOOD.values(), "", "?", "-", "8/11/26", "350000", "2 mg/mL", "#REF!", "=1"]),
)


@examples(400)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(HEADINGS, ANYTHING)))
def test_no_row_raises_and_each_is_imported_or_refused_for_a_reason(cells: dict[str, str]) -> None:
    row = RawRow(7, {**GOOD, **cells})
    read = read_row(row, CONTEXT)
    assert isinstance(read, RosterRow) or read.errors
    for error in getattr(read, "errors", ()):
        assert error.column in HEADINGS
        assert error.message.endswith(".")
        if error.column in IDENTIFYING and len(row.cells[error.column]) > 6:
            assert row.cells[error.column] not in error.message
