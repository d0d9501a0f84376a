"""The space that is searched: distributions, and where a trial lies in it."""
