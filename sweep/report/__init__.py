"""A sweep in one file to send: what was asked, what came out, how sure that is, and how to do it again."""
