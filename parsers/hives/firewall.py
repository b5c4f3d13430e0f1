r"""Firewall rules of the SYSTEM hive that name a program: Windows makes them when a program listens and the user answers.

The rule is text: `v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|App=E:\tool.exe|Name=...|`. Source: MS-FASP 2.2.19
(the string form) and samples.
"""

from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance

FIREWALL_RULE = Table(
    "firewall_rule",
    "Firewall rules for a program; the time of a rule is not kept",
    (
        Column("rule_name", Sql.TEXT, "Name of the rule as shown (may be a reference into a library)"),
        Column("app", Sql.TEXT, "Program, as stored"),
        Column("action", Sql.TEXT, "Allow, Block, ..., as stored"),
        Column("direction", Sql.TEXT, "In or Out, as stored"),
        Column("active", Sql.BOOL, "Rule is in use"),
        Column("protocol", Sql.TEXT, "Number of the IP protocol (6 TCP, 17 UDP); NULL: all"),
        Column("local_port", Sql.TEXT, "Local ports, as stored, one a line"),
        Column("profile", Sql.TEXT, "Profiles (Public, Private, Domain), one a line; NULL: all"),
        Column("asked_user", Sql.BOOL, "Made by asking the user, by its id (Query User): the program listened"),
        Column("description", Sql.TEXT, "Description, as stored"),
        Column("rule_id", Sql.TEXT, "Id of the rule: the name of its value"),
        Column("control_set", Sql.TEXT, "Control set the key stands in"),
        Column("current", Sql.BOOL, "That control set was the one in use"),
        *PROVENANCE,
    ),
    address="offset",
    moments=(
        Moment(
            "key_last_write_utc",
            "firewall_rules_written",
            "concat_ws(' ', 'Firewall rules last changed; among them one for', app)",
            "asked_user AND current",
        ),
    ),
)  # fmt: skip

MAX_RULES = 20_000
_RULES = (
    r"Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules",
    r"Services\SharedAccess\Parameters\FirewallPolicy\RestrictedServices\Configurable\System",
)
_MAX_TEXT = 32_767


def firewall_rules(hive: Hive) -> Iterator[Row]:
    """One row per rule with a program; `System` is none."""
    for control_set in control_sets(hive):
        for path in _RULES:
            key = control_set.key.find(path)
            for value in (key.values() if key is not None else [])[:MAX_RULES]:
                fields = _fields(value.text() or "")
                app = fields.get("app")
                if key is None or not app or app[0].lower() == "system":
                    continue
                yield (
                    FIREWALL_RULE,
                    {
                        **provenance(key, value),
                        "rule_name": _one(fields, "name"),
                        "app": app[0],
                        "action": _one(fields, "action"),
                        "direction": _one(fields, "dir"),
                        "active": {"true": True, "false": False}.get((_one(fields, "active") or "").lower()),
                        "protocol": _one(fields, "protocol"),
                        "local_port": "\n".join(fields.get("lport", [])) or None,
                        "profile": "\n".join(fields.get("profile", [])) or None,
                        "asked_user": "query user{" in value.name.lower(),
                        "description": _one(fields, "desc"),
                        "rule_id": value.name,
                        "control_set": control_set.key.name,
                        "current": control_set.current,
                    },
                )  # fmt: skip


def _fields(rule: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for part in rule[:_MAX_TEXT].split("|"):
        name, is_pair, content = part.partition("=")
        if is_pair:
            out.setdefault(name.lower(), []).append(content)
    return out


def _one(fields: dict[str, list[str]], name: str) -> str | None:
    return fields[name][0] if fields.get(name) else None
