"""A whole sweep: run, resumed or extended."""
