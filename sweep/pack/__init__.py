"""A sweep in one file that can be checked: writing it, and verifying one."""
