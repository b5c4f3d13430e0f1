"""Sigma rules of a user over a case: converted by pySigma (extra `[sigma]`), run by DuckDB.

No rule is shipped. Hits support a finding and never make one.
"""
