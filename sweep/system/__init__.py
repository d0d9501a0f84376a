"""The operating system: files, processes, environment variables, versions."""
