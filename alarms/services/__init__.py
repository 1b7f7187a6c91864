"""Writes: the projection and its one writer, the scans, and what a person settles."""
