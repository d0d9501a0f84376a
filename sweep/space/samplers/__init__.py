"""Samplers: where in the unit cube a trial lies."""
