"""The refill board: who is due, and why."""
