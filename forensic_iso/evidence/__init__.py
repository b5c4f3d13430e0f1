"""What was handed in, as files that parsers can read: nothing unpacked, nothing written."""
