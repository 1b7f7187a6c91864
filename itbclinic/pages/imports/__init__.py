"""Uploaded spreadsheets, and their rows that were refused."""
