"""The Polars types of a table's columns. Apart from its declaration: who only reads a case need not load Polars."""

import polars as pl

from parsers.contract import Sql, Table

POLARS: dict[Sql, pl.DataType] = {
    Sql.TEXT: pl.String(),
    Sql.BOOL: pl.Boolean(),
    Sql.U8: pl.UInt8(),
    Sql.U16: pl.UInt16(),
    Sql.U32: pl.UInt32(),
    Sql.U64: pl.UInt64(),
    Sql.I32: pl.Int32(),
    Sql.I64: pl.Int64(),
    Sql.FLOAT: pl.Float64(),
    Sql.TIME: pl.Datetime("ns"),
    Sql.BLOB: pl.Binary(),
}
"""The Polars type of each column type. Times are naive and mean UTC."""


def schema_of(table: Table) -> dict[str, pl.DataType]:
    """Polars schema of a full frame of the table."""
    return {c.name: POLARS[c.type] for c in table.columns}
