"""A row of the worklist as people read it: pure formatting, no query and no clock."""
