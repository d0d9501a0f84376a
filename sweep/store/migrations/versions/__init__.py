"""The revisions, in order; the number of each is the version of the schema that it makes."""
