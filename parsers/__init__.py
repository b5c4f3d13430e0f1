"""Readers of Windows artifacts: bytes in, Polars frames out."""
