"""One trial, from start to end."""
