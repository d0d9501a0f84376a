"""The engine that trains on a Dask cluster."""
