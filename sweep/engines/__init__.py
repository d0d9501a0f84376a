"""Engines: what trains the trials of a sweep side by side."""
