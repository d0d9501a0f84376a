"""Functional neural networks in NumPy: layers, losses, initializers and optimizers, registered by their kind."""
