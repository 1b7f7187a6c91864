"""Pages in the browser that show several apps together."""
