"""Writes: a paper's versions, and the worker that makes them."""
