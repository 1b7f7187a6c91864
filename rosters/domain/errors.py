"""How the roster's readers refuse: a file with one sentence, a cell with a code and a sentence."""


class RosterFileError(Exception):
    """The file cannot be read as a roster. Its one sentence holds no cell's content."""


class CellError(Exception):
    """A cell that says nothing certain. `message` names the column and the way out."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)  # never the message: it may quote the cell, and this reaches logs
        self.code = code
        self.message = message
