"""The experiment file: found, read, checked, and drawn from.

`file` finds and checks files, `experiment` draws the trials, `function` makes an experiment of a Python function, and
`parameters` reads what a stored sweep searches without importing the models that check a file.
"""
