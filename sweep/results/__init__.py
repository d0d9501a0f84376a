"""The results of a sweep: frames, tables and charts."""
