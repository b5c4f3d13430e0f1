"""A case whose names do what names can do to a terminal."""

from pathlib import Path

from forensic_iso.case.store import open_writer

NAMES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x07",
    "\x9b31mC1",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x1bP1$r\x1b\\",
    "gpj.\u202eexe.iso",
    "a\u2066b\u2069c\u200d\u200b\ufeff",
    "[red]markup[/red]",
    "[@click=app.bell]X[/]",
    "[/nope]",
    "[bold",
    "\\[",
    "e" + "\u0301" * 10_000,
    "nul\x00nul",
    "line\nbreak\rreturn\ttab\x08\x7f",
    "\U000e0041\U000e0042tags",
    "宽" * 50,
    "👨\u200d👩\u200d👧",
    "A" * 1_000_000,
    "=cmd|' /C calc'!A0",
    "{nothing} {0} %s %n",
)
MEAN = ("\x1b[31m", "\x1b]52;c;ZXZpbA", "\x1b]0;title", "\x9b", "\x9d", "\x1bP", "\u202e", "\u2066")
MEAN += ("\u200b", "\ufeff", "\x00", "\U000e0041", "\x07")


def make(case: Path) -> None:
    """Every name as host, image, path, summary, source, command line, problem, table text."""
    with open_writer(case) as con:
        for n, name in enumerate(NAMES):
            t = f"make_timestamp_ns({1700000000 + n}000000000)"
            short = name[:5000]
            con.execute(
                f"INSERT INTO timeline SELECT {n}, {t}, $1, $1, {n}, $1, {n % 6}, $2, 's{n}', 'event_other', '{n}'",
                [short, short],
            )
            con.execute(
                f"INSERT INTO event_other BY NAME SELECT {t} AS time_utc, $1 AS host, $1 AS channel, $1 AS provider,"
                f" {n} AS event_id, to_json({{x: $2}})::VARCHAR AS data, {n} AS record_offset, 's{n}' AS source_id",
                [short, name],
            )
            con.execute(
                f"INSERT INTO source BY NAME SELECT 's{n}' AS source_id, $1 AS host, $1 AS host_basis, $1 AS path,"
                " $1 AS given, $1 AS windows_path, $1 AS kind, 'done' AS state, $1 AS remark, 1 AS bytes",
                [short],
            )
            con.execute(
                f"INSERT INTO finding BY NAME SELECT 'f{n}' AS finding_id, $1 AS host, $1 AS image_path, $1 AS verdict,"
                f" 'high' AS severity, {n} AS score, 0.5 AS confidence, $1 AS weakest_link, $1 AS reasons,"
                f" $1 AS attack_ids, $1 AS cannot_exclude, {t} AS first_utc",
                [short],
            )
            con.execute(
                f"INSERT INTO mount_session BY NAME SELECT 'm{n}' AS session_id, $1 AS host, $1 AS image_path,"
                f" $1 AS volume, {t} AS opened_utc, $1 AS close_basis, $1 AS basis, 0.5 AS confidence",
                [short],
            )
            con.execute(
                f"INSERT INTO execution BY NAME SELECT 'e{n}' AS execution_id, 'm{n}' AS session_id, $1 AS host,"
                f" $1 AS image_path, {t} AS time_utc, $1 AS kind, $1 AS process_path, $1 AS command_line,"
                f" 'p{n}' AS process_key, $1 AS basis, $1 AS user_name",
                [short],
            )
            con.execute(
                f"INSERT INTO finding_part BY NAME SELECT 'f{n}' AS finding_id, $1 AS host, $1 AS image_path,"
                f" unnest(['session', 'execution']) AS part, unnest(['m{n}', 'e{n}']) AS part_id",
                [short],
            )
            con.execute(
                f"INSERT INTO process BY NAME SELECT 'p{n}' AS process_key, $1 AS host, {t} AS started_utc, {n} AS pid,"
                " $1 AS path, $1 AS command_line, $1 AS user_name, $1 AS integrity",
                [short],
            )
            con.execute(
                f"INSERT INTO image_content BY NAME SELECT $1 AS path, $1 AS name, false AS is_directory, 1 AS size_bytes,"
                f" $1 AS sha256, $1 AS volume_label, {n} AS record_offset, 's{n}' AS source_id, $1 AS host",
                [short],
            )
            con.execute(
                "INSERT INTO problem VALUES ($1, $1, $1, 'error', $1, $1, $1, $1)",
                [short],
            )
            con.execute(
                f"INSERT INTO coverage BY NAME SELECT $1 AS host, $1 AS channel, {t} AS first_utc, 1 AS records,"
                " 0 AS gaps, 0 AS cleared, $1 AS remark",
                [short],
            )
