"""The clinic's appointments: booked, moved, cancelled, marked."""
