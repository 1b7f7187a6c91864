"""What the logs say, and what they never do. See `records`."""

from itbclinic.logging import tasks  # noqa: F401 - connects its signals
