"""Where a user lands, and whether somebody is still signed in."""
