"""Functional neural networks in NumPy."""
