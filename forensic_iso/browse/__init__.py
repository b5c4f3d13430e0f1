"""Read-only questions that a person at a screen asks a case: pages, filters, counts, details. No screen code."""
