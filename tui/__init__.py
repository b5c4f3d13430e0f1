"""Terminal user interface over a case (see docs/)."""
