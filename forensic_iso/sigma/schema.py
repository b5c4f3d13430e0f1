"""The tables that `sigma run` fills: one row per rule read, one per hit."""

from parsers.contract import HOST, Column, Sql, Table

_SET = Column(
    "rule_set",
    Sql.TEXT,
    "Name of the set of rules: --set, else the absolute path of what was given",
)
_FILE = Column("rule_file", Sql.TEXT, "File of the rule, from what was given downwards")
_NUMBER = Column("rule_number", Sql.I32, "Number of the rule in its file, from 1")
_HASH = Column("rule_sha256", Sql.TEXT, "SHA-256 of that file, hex")
_ID = Column("rule_id", Sql.TEXT, "Id of the rule, as it gives it; NULL: it gives none")
_TITLE = Column("title", Sql.TEXT, "Title of the rule")
_LEVEL = Column("level", Sql.TEXT, "informational, low, medium, high, critical, by the rule")
_STATUS = Column("status", Sql.TEXT, "stable, test, experimental, deprecated, unsupported")

SIGMA_RULE = Table(
    "sigma_rule",
    "Every Sigma rule that was given to `sigma run`, also those that could not be run",
    (
        _SET,
        _FILE,
        _NUMBER,
        _ID,
        _TITLE,
        _LEVEL,
        _STATUS,
        Column("logsource", Sql.TEXT, "Log source of the rule: product/category/service"),
        Column(
            "state",
            Sql.TEXT,
            "run; refused (cannot be expressed, or no such log); malformed; failed (not over all rows)",
        ),
        Column("reason", Sql.TEXT, "Why it did not run, or what was wrong with it besides"),
        Column("rows", Sql.I64, "Rows of its log source that it was held against; 0: none there"),
        Column("hits", Sql.I64, "Rows that met it"),
        Column("run_utc", Sql.TIME, "When it was run, UTC"),
        _HASH,
    ),
    address="rule_file",
)

SIGMA_HIT = Table(
    "sigma_hit",
    "Rows of the case that meet a Sigma rule; the view sigma_support joins them with findings",
    (
        Column("hit_id", Sql.TEXT, "Hash of rule and row"),
        _ID,
        _TITLE,
        HOST,
        Column("time_utc", Sql.TIME, "Time of the row, UTC, as stamped in the evidence"),
        _LEVEL,
        _STATUS,
        Column("tags", Sql.TEXT, "Tags of the rule, joined by ', '"),
        Column("attack_ids", Sql.TEXT, "ATT&CK techniques among the tags, joined by ', '"),
        _SET,
        _FILE,
        _NUMBER,
        _HASH,
        Column("table_name", Sql.TEXT, "Table of the row"),
        Column("source_id", Sql.TEXT, "Artifact of the row (source); NULL: derived row"),
        Column("row_address", Sql.TEXT, "Address of the row in the artifact, or its id"),
        Column("process_guid", Sql.TEXT, "GUID of the process whose act the row is; NULL: none"),
    ),
    address="row_address",
    time="time_utc",
)

SIGMA_TABLES: tuple[Table, ...] = (SIGMA_RULE, SIGMA_HIT)
