"""Reads: what the dates are computed from, the worklist, and the scans' records."""
