"""The application against answers that were found another way."""
