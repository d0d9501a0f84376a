"""sweep beside its peers: `python -m benchmarks`."""
