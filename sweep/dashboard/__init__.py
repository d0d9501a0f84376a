"""The live view of all sweeps of a database in a browser, by optuna-dashboard over a storage that only reads."""
