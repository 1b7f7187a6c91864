"""Reading the file: encodings, delimiters, headings, line numbers, and what is refused whole."""

import csv
import io
from datetime import date, datetime, time

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosters.domain.errors import RosterFileError
from rosters.domain.sheet import HEADINGS, RosterSheet, read_roster
from tests.examples import examples

from .sheets import SAMPLE, as_workbook, workbook


def sheet_of(*rows: list[str], headings: tuple[str, ...] = HEADINGS, delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([headings, *rows])
    return out.getvalue().encode()


def row(**cells: str) -> list[str]:
    """A line with these cells: `mrn`, `notes` and so on, by the heading's first word."""
    by_word = {heading.split()[0].lower(): heading for heading in reversed(HEADINGS)}
    named = {by_word[word]: text for word, text in cells.items()}
    return [named.get(heading, "") for heading in HEADINGS]


def refusal(content: bytes, suffix: str = ".csv") -> str:
    with pytest.raises(RosterFileError) as caught:
        read_roster(content, suffix)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    return sentence


def outcome(content: bytes, suffix: str) -> RosterSheet | str:
    try:
        return read_roster(content, suffix)
    except RosterFileError as error:
        return str(error)


def test_every_row_of_the_sample_keeps_its_line_and_its_words() -> None:
    sheet = read_roster(SAMPLE, ".csv")
    assert [raw.row for raw in sheet.rows] == list(range(2, 162))
    assert sheet.headings == HEADINGS
    assert sheet.rows[40 - 2 + 2].cells["Last Name"] == '=HYPERLINK("http://x.example")'


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_ways_programs_write_csv_read_alike(mark: bytes, end: bytes, delimiter: str) -> None:
    content = sheet_of(row(mrn="7"), row(mrn="8", notes="a;b,c\td"), delimiter=delimiter)
    sheet = read_roster(mark + content.replace(b"\r\n", end), ".csv")
    assert [raw.cells["MRN"] for raw in sheet.rows] == ["7", "8"]
    assert sheet.rows[1].cells["Notes"] == "a;b,c\td"


def test_a_line_break_within_a_cell_makes_no_new_line_and_blank_lines_count() -> None:
    content = sheet_of(row(mrn="7", notes="call\nmother,\nthen school"), [""] * 22, row(mrn="8"))
    content += b"\r\n" + sheet_of(row(mrn="9")).split(b"\r\n", 1)[1]
    assert [(r.row, r.cells["MRN"]) for r in read_roster(content, ".csv").rows] == [
        (2, "7"), (4, "8"), (6, "9"),
    ]  # fmt: skip


def test_headings_in_any_order_case_and_spacing_and_below_a_title() -> None:
    shuffled = ["Concern", *(f" {h.upper()}\u00a0" for h in reversed(HEADINGS))]
    shuffled[shuffled.index(" VOLUME (ML)\u00a0")] = "volume(ml)"
    lines = [["Pumps, November"], [], shuffled, ["late", *reversed(row(mrn="7", volume="40"))]]
    out = io.StringIO(newline="")
    csv.writer(out).writerows(lines)
    (only,) = read_roster(out.getvalue().encode(), ".csv").rows
    assert (only.row, only.cells["MRN"], only.cells["Volume (mL)"]) == (4, "7", "40")
    assert only.cells["Concern"] == "late"


def test_headings_repeated_on_a_printed_page_are_no_patient() -> None:
    content = sheet_of(row(mrn="7"), list(HEADINGS), row(mrn="8"))
    assert [raw.row for raw in read_roster(content, ".csv").rows] == [2, 4]


def test_excels_own_first_line_that_names_the_delimiter_is_no_row() -> None:
    content = b"sep=;\r\n" + sheet_of(row(mrn="7"), delimiter=";")
    assert [raw.row for raw in read_roster(content, ".csv").rows] == [3]


def test_cells_dropped_at_the_end_are_empty_and_surplus_ones_are_told() -> None:
    short = b"\r\n".join([sheet_of().strip(), b"7,Ali,Bea"])
    (only,) = read_roster(short, ".csv").rows
    assert (only.cells["Notes"], only.surplus_cells) == ("", 0)
    (shifted,) = read_roster(sheet_of([*row(mrn="7"), "", "oops"]), ".csv").rows
    assert shifted.surplus_cells == 1
    assert shifted.cells[f"(column {len(HEADINGS) + 2})"] == "oops"


@pytest.mark.parametrize(
    ("content", "suffix", "says"),
    [
        (b"", ".csv", "empty"),
        (b"\r\n \r\n", ".csv", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xls", "old Excel file"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            ".xlsx",
            "password",
        ),
        (SAMPLE.decode("utf-8-sig").encode("utf-16"), ".csv", "CSV UTF-8"),
        (SAMPLE.decode("utf-8-sig").replace("ễ", "e").encode("cp1252"), ".csv", "line 4 "),
        (b"PK\x03\x04 but no workbook", ".xlsx", "cannot be read as an Excel workbook"),
        (b"%PDF-1.7", ".csv", "cannot be read"),
        (b"some words", ".ods", "cannot be read"),
        (b"<html><table><tr><td>MRN</td></tr></table></html>", ".csv", "No line with the headings"),
        (sheet_of(), ".csv", "no rows"),
        (sheet_of(row(mrn="7")).replace(b"Alarm Date", b""), ".csv", "“Alarm Date”"),
        (sheet_of(row(mrn="7")).replace(b"Alarm Date", b"DOB"), ".csv", "“DOB” is there twice"),
        (sheet_of(row(mrn="7")).replace(b"Guardian Phone", b"Phone"), ".csv", "“Guardian Phone”"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    content: bytes, suffix: str, says: str
) -> None:
    assert says in refusal(content, suffix)


def test_a_heading_that_no_date_needs_may_be_missing() -> None:
    without = tuple(h for h in HEADINGS if h not in ("Notes", "Email"))
    content = sheet_of(["7"], headings=without)
    assert read_roster(content, ".csv").rows[0].cells["MRN"] == "7"


def test_an_unclosed_quotation_mark_loses_no_patient_in_silence() -> None:
    lines = SAMPLE.split(b"\r\n")
    lines[9] = lines[9][:-1] + b',"call first'
    assert "quotation marks" in refusal(b"\r\n".join(lines))


def test_text_beside_a_closed_quotation_mark_is_in_doubt() -> None:
    assert "line 2 " in refusal(sheet_of().strip() + b'\r\n7,"Ali" or Eide,Bea\r\n8,Ali,Bea\r\n')


def test_a_quotation_mark_that_happens_to_be_closed_lines_later_is_noticed_too() -> None:
    lines = [sheet_of().strip(), *(f"{n},Ali{',' * 19}".encode() for n in range(5))]
    lines[1] += b',"swallows'
    lines[4] += b'until here"'
    assert "rows would be lost" in refusal(b"\r\n".join(lines))


# --- XLSX ----------------------------------------------------------------------------------------


def line(**cells: object) -> list[object]:
    by_word = {heading.split()[0].lower(): heading for heading in reversed(HEADINGS)}
    named = {by_word[word]: value for word, value in cells.items()}
    return [named.get(heading) for heading in HEADINGS]


def one(content: bytes) -> dict[str, str]:
    (only,) = read_roster(content, ".xlsx").rows
    return only.cells


def test_cells_of_a_workbook_read_as_what_the_person_sees() -> None:
    cells = one(
        workbook(
            (
                "Roster",
                [
                    list(HEADINGS),
                    line(
                        mrn=703000,
                        dob=date(2014, 3, 9),
                        implanted=datetime(2021, 5, 2),
                        last=None,
                        volume=40.0,
                        concentration=0.1 + 0.2,
                        daily=980.1,
                        schedule=time(8, 30),
                        notes="word\u00a0for word",
                        alarm=datetime(2027, 1, 2, 8, 29, 59, 999600),
                    ),
                ],
            )
        )
    )
    assert cells["MRN"] == "703000"
    assert (cells["DOB"], cells["Implanted"]) == ("2014-03-09", "2021-05-02")
    assert (cells["Volume (mL)"], cells["Concentration"], cells["Daily Dose"]) == (
        "40", "0.3", "980.1",
    )  # fmt: skip
    assert cells["Schedule"] == "08:30"
    assert cells["Notes"] == "word\u00a0for word"
    assert cells["Alarm Date"] == "2027-01-02 08:30"


def test_a_workbook_keeps_line_numbers_and_skips_sheets_without_the_headings() -> None:
    lines: list[list[object]] = [["Pumps"], [], list(HEADINGS), [], line(mrn=7), [], line(mrn=8)]
    content = workbook(("Read me", [["Ask Rowan"]]), ("Roster", lines))
    assert [(r.row, r.cells["MRN"]) for r in read_roster(content, ".xlsx").rows] == [
        (5, "7"), (7, "8"),
    ]  # fmt: skip


def test_two_sheets_with_the_headings_are_never_chosen_between() -> None:
    lines: list[list[object]] = [list(HEADINGS), line(mrn=7)]
    assert "“Oct”, “Nov”" in refusal(workbook(("Oct", lines), ("Nov", lines)), ".xlsx")


def test_a_formula_without_a_stored_result_is_not_an_empty_cell() -> None:
    cells = one(
        workbook(("R", [list(HEADINGS), line(mrn=7, alarm="=M2+90", last='=HYPERLINK("x")')]))
    )
    assert cells["Alarm Date"] == "=M2+90"
    assert cells["Last Name"] == '=HYPERLINK("x")'


def test_an_mrn_with_leading_zeros_that_only_its_format_shows_keeps_them() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(HEADINGS))
    sheet.append(line(mrn=703000))
    sheet["A2"].number_format = "00000000"
    out = io.BytesIO()
    book.save(out)
    assert one(out.getvalue())["MRN"] == "00703000"


def test_the_sample_as_a_workbook_reads_the_same() -> None:
    assert read_roster(as_workbook(SAMPLE), ".xlsx") == read_roster(SAMPLE, ".csv")


@pytest.mark.slow
@examples(300)
@given(st.binary(max_size=400), st.sampled_from([".csv", ".xlsx", ".xls", "", ".txt"]))
def test_no_bytes_raise_anything_but_the_declared_error(content: bytes, suffix: str) -> None:
    for whole in (content, b"PK\x03\x04" + content, sheet_of().strip() + b"\n" + content):
        assert isinstance(outcome(whole, suffix), RosterSheet | str)


@examples(100)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=22
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_typed_is_kept_or_the_file_is_refused(typed: list[list[str]]) -> None:
    content = sheet_of(*typed)
    try:
        sheet = read_roster(content, ".csv")
    except RosterFileError:
        return
    for raw in sheet.rows:
        cells = typed[raw.row - 2]
        for heading, cell in zip(HEADINGS, cells, strict=False):
            assert raw.cells[heading] == cell


# Made once: a workbook holds the time at which it was written, and examples must be repeatable.
WHOLE = workbook(("R", [list(HEADINGS), line(mrn=7, notes="note")]))


@examples(60)
@given(st.data())
def test_a_damaged_workbook_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = outcome(bytes(content), ".xlsx")
    assert isinstance(found, RosterSheet) or "note" not in found


def test_rows_above_repeated_headings_do_not_vanish() -> None:
    renamed = tuple("Vol (mL)" if h == "Volume (mL)" else h for h in HEADINGS)
    content = sheet_of(row(mrn="1"), list(HEADINGS), row(mrn="2"), headings=renamed)
    assert "Volume (mL)" in refusal(content)


def test_a_second_sheet_that_may_hold_patients_is_not_left_out_in_silence() -> None:
    roster = [list(HEADINGS), [*row(mrn="1")]]
    renamed = ["Vol (mL)" if h == "Volume (mL)" else h for h in HEADINGS]
    for other in ([renamed, row(mrn="2")], [[str(n) for n in range(12)]]):
        sentence = refusal(workbook(("Now", roster), ("Old", other)), ".xlsx")
        assert "“Old”" in sentence
    notes = [["How to fill this in"], ["Dates", "2026-01-31"]]
    assert len(read_roster(workbook(("Now", roster), ("Notes", notes)), ".xlsx").rows) == 1
