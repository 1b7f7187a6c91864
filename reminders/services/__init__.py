"""Writes: what is to be sent, who sends it, and what came of it."""
