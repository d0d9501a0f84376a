"""Functional neural networks in NumPy: layers, losses, initialisers and optimisers, registered by their kind."""
