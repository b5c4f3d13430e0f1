"""Which column of a table leads back to a row's bytes, told by the case itself: no parser is loaded for it."""

from dataclasses import dataclass

from forensic_iso.browse.case import Case

BYTE_OFFSETS = ("record_offset", "offset", "chunk_offset", "volume_offset")
"""Columns that count bytes; of two the first is the address."""

NUMBERS = ("row_id", "record_number", "line_number", "row_address")
"""Columns that count rows, records or lines."""

DERIVED = {"boot": "boot_number", "image_delivery": "delivery_id", "mount_session": "session_id"}
"""Tables of the correlation whose id has another name than the table."""


@dataclass(frozen=True, slots=True)
class Address:
    """The column, what it counts, and what the table holds, both as declared."""

    column: str
    meaning: str
    table_comment: str

    @property
    def counts_bytes(self) -> bool:
        """Whether it is an offset."""
        return self.column in BYTE_OFFSETS


def address_of(case: Case, table: str) -> Address:
    """The address of a table of the case."""
    columns = {
        str(name): str(comment or "")
        for name, comment in case.rows(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", [table]
        )
    }
    comment = case.rows("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [table])
    usual = DERIVED.get(table, f"{table}_id")
    found = next((c for c in (usual, *BYTE_OFFSETS, *NUMBERS) if c in columns), usual)
    told = str(comment[0][0] or "") if comment else ""
    return Address(found, columns.get(found, ""), told)
