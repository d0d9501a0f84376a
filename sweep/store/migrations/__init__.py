"""Alembic's folder: `env.py` carries out the revisions in `versions/`, one for each version of the schema.

A revision stays as it was released. It names the tables and columns as they are at its time, and imports nothing of
today's schema, so that it still does the same when that has changed; after it the database is what a sweep of its
version would have written, digests included. There is no way down: the backup copy is the way back.
"""
