"""The tree of an NTFS volume as one frame: the rows of `parsers.mft`, joined by record."""

from typing import TYPE_CHECKING

from parsers.contract import Artifact, Opener, Problem
from parsers.volumes.model import VolumeRefused

if TYPE_CHECKING:
    import polars as pl

TIMES = ("si_created_utc", "si_modified_utc", "si_mft_changed_utc", "si_accessed_utc")


def read_index(opener: Opener, size: int) -> "pl.DataFrame":
    """One row per name of a file but its 8.3 one, live or deleted.

    Columns: record, sequence, path, name, in_use, is_directory, namespace, record_offset, si_flags, the four times of
    `TIMES` in ns since 1970 (named with `_ns`), size_bytes, streams (a list), outside (those not resident).

    Raises:
        VolumeRefused: no record of the $MFT has a name.
    """
    import polars as pl

    from parsers import mft

    kept: dict[str, list[pl.DataFrame]] = {}
    artifact = Artifact("$MFT", opener, size)
    wanted = {
        "mft_entry": ("record", "si_flags", *TIMES),
        "mft_name": (
            "record", "sequence", "path", "name", "in_use", "is_directory", "namespace", "record_offset",
        ),
        "mft_stream": ("record", "stream", "size_bytes", "resident"),
    }  # fmt: skip
    for item in mft.parse(artifact):
        if not isinstance(item, Problem) and item.table in wanted:
            kept.setdefault(item.table, []).append(item.frame.select(wanted[item.table]))
    return _joined({name: pl.concat(frames) for name, frames in kept.items()})


def _joined(tables: dict[str, "pl.DataFrame"]) -> "pl.DataFrame":
    import polars as pl

    if "mft_name" not in tables or "mft_entry" not in tables:
        raise VolumeRefused("no_mft", "records with names in the $MFT", "none")
    names = tables["mft_name"].filter((pl.col("namespace") != 2) & pl.col("path").is_not_null())
    times = [pl.col(name).dt.epoch("ns").alias(f"{name}_ns") for name in TIMES]
    entries = (
        tables["mft_entry"].select("record", "si_flags", *times).unique("record", keep="first")
    )
    frame = names.join(entries, on="record", how="left")
    streams = tables.get("mft_stream")
    if streams is None:
        none = pl.lit(None, pl.List(pl.String()))
        return frame.with_columns(size_bytes=pl.lit(0, pl.Int64), streams=none, outside=none)
    main = streams.filter(pl.col("stream") == "").select("record", "size_bytes")
    main = main.group_by("record").agg(pl.col("size_bytes").max())
    others = streams.filter(pl.col("stream") != "").group_by("record", maintain_order=True)
    name = pl.col("stream")
    named = others.agg(
        name.unique(maintain_order=True).alias("streams"),
        name.filter(~pl.col("resident")).unique(maintain_order=True).alias("outside"),
    )
    return frame.join(main, on="record", how="left").join(named, on="record", how="left")
