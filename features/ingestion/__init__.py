"""From a file, a folder or a database to usable rows, and an account of all the others."""
