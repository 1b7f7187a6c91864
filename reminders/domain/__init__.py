"""Pure: how a failed message is judged, when it is tried again, and what it says."""
