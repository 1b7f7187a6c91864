"""Writes: what happens when a patient comes, and the import of a clinic's spreadsheet."""
