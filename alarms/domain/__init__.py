"""From facts to dates: the projection, the status, the sum behind each. Pure."""
