"""What surrounds us: files, processes, environment variables, versions."""
