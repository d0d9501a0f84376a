"""Tests of stopping rules."""
