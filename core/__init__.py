"""The ground floor: rules, append-only facts, leases, local time, quantities and words.

It has no table of its own and imports no other app, so that every app may stand on it.
"""
