"""Runs of whole sweeps: a new one, a resumed one, and trials that are extended."""
