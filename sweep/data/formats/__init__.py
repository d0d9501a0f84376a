"""The formats of data sets, one a file."""
