"""Where no clock was changed, times need no shift: the macros of 01_clock.sql give way to ones without joins."""

import duckdb

AFTER = "01_clock.sql"
"""The step that defines the macros and finds the changes."""

_SIMPLE = """
CREATE OR REPLACE TEMP MACRO stamp_ns(of_host, stamp) AS ns_of(stamp);
CREATE OR REPLACE TEMP MACRO timed(event_table) AS TABLE
    SELECT e.*, ns_of(e.time_utc) AS mono_ns
    FROM query_table(event_table) e
    WHERE e.damaged IS NOT TRUE AND e.host IS NOT NULL AND e.time_utc IS NOT NULL;
CREATE OR REPLACE TEMP MACRO sysmon_timed(event_table) AS TABLE
    SELECT e.*, coalesce(e.utc_time, e.time_utc) AS happened_utc, ns_of(coalesce(e.utc_time, e.time_utc)) AS mono_ns
    FROM query_table(event_table) e
    WHERE e.damaged IS NOT TRUE AND e.host IS NOT NULL AND e.time_utc IS NOT NULL;
"""


def simplify(con: duckdb.DuckDBPyConnection) -> bool:
    """Replace the macros if no host's clock was changed; returns whether it was so.

    The rows are the same: each of the joins and look-ups would find nothing. They are in nearly every query, and
    planning them is half of what a small case costs.
    """
    if (
        con.execute("FROM clock_shift LIMIT 1").fetchone()
        or con.execute("FROM clock_stretch LIMIT 1").fetchone()
    ):
        return False
    con.execute(_SIMPLE)
    return True
