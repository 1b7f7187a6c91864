"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry
from rosters.models import ImportRow

DESK = Desk(
    entry=Entry("Import", "imports", Action.RESOLVE_IMPORT),
    events={
        "imports.read": "Opened the refused rows",
        "imports.exported": "Exported refused rows",
        "upload.received": "Uploaded a spreadsheet",
        "upload.read": "Opened an uploaded spreadsheet",
        "upload.checked": "Checked a spreadsheet",
        "upload.check_again": "Had a spreadsheet checked again",
        "upload.import_started": "Started the import of a spreadsheet",
        "upload.imported": "Came to the end of a spreadsheet's import",
        "upload.discarded": "Discarded a spreadsheet",
        "upload.failed": "Stopped at a spreadsheet",
        "upload.unreadable": "Could not read a spreadsheet",
        "upload.exported": "Exported the refused rows of a spreadsheet",
        "roster.imported": "Imported a spreadsheet",
        "roster.row_imported": "Imported a row",
        "roster.row_refused": "Refused a row",
        "roster.row_settled": "Settled a refused row by a later one",
        "roster.row_dismissed": "Dismissed a refused row",
        "roster.row_opened_again": "Read a row that was dismissed before: it is open again",
    },
    subjects={
        "import_row": "Row of a sheet",
        "import_run": "Import",
        "roster_upload": "Spreadsheet",
    },
    values={
        "outcome": {str(value): str(label) for value, label in ImportRow.Outcome.choices},
        "state": {
            "open": "To settle",
            "settled": "Followed by a later row",
            "dismissed": "Dismissed",
        },
    },
)
