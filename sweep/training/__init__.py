"""Training one network: the loop, its mini-batches, and the guard that lets no divergence pass."""
