"""The experiment file: found, read, checked and drawn from."""
