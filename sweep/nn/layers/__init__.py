"""Layers: pure functions from arrays to arrays, one kind or family a file."""
