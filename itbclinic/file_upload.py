"""How an uploaded file arrives: in memory, and only while it is no larger than a roster can be."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from rosters.domain.uploads import MAX_BYTES


class SmallFilesOnly(FileUploadHandler):
    """Lets go of a file that grows beyond the limit, whatever length the request announced.

    The page then finds no file and `request.file_too_large`.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.received = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Nothing larger is kept in memory: the next handler leaves it alone for its length."""
        if content_length > MAX_BYTES + 1024 * 1024:
            self._let_go()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand it on, up to the limit."""
        self.received += len(raw_data)
        if self.received > MAX_BYTES:
            self._let_go()
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler makes the file."""

    def _let_go(self) -> None:
        if self.request is not None:
            self.request.file_too_large = True  # type: ignore[attr-defined]
