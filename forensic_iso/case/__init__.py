"""One case folder: the DuckDB file, what was read into it, and from where."""
