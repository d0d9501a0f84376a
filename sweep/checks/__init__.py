"""Checks: whether a trial is reproduced, a database is sound, a gradient is right."""
