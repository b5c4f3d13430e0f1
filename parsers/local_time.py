"""Local times of a host in the timeline: turned to UTC by the zone that its SYSTEM hive tells (`local_time_offset`)."""


def in_utc(table: str, address: str, local: str, utc: str) -> str:
    """A relation for `Moment.joined`: the table's rows whose local time has one UTC time, as `utc`, with the zone's name.

    Rows lack where no hive in use tells the host's zone, where two tell different ones, and in the hour that comes
    twice or not at all.

    Args:
        table: name of the table.
        address: its column that leads to the row's bytes.
        local: its column of the local time.
        utc: name of the new column.
    """
    return f"""(
    SELECT s.*, make_timestamp_ns(epoch_ns(s."{local}") + z.bias_minutes * 60000000000) AS "{utc}", z.time_zone
    FROM "{table}" s
    JOIN local_time_offset z ON z.host = s.host AND coalesce(z.current, TRUE)
        AND s."{local}" >= z.since_local AND s."{local}" < z.until_local
    WINDOW line AS (PARTITION BY s.source_id, s."{address}")
    QUALIFY count(DISTINCT z.bias_minutes) OVER line = 1
        AND row_number() OVER (line ORDER BY z.source_id, z.since_utc) = 1
)"""


SAID = "'(local time, turned to UTC by the zone of the registry,', time_zone || ')'"
"""Arguments of `concat_ws` that say so in a line of the timeline."""
