"""What the command line prints: tables, progress, a table that is printed again and again."""
