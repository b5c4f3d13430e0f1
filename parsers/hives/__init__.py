"""Registry hives: the reader, and the parsers of the hives that matter."""
