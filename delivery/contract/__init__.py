"""What a release promises to those who use the API, and whether a change keeps it."""
