"""Commands of Sigma: a user's rules over a case."""

from pathlib import Path

import click


@click.group()
def sigma() -> None:
    """Run your Sigma rules over a case; needs the extra [sigma]. No rules are shipped.

    Example: forensic-iso sigma run rules/ case1
    """


form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="Form.",
)


@sigma.command("run")
@click.argument("rules", type=click.Path(path_type=Path, exists=True))
@click.argument("case", type=click.Path(path_type=Path))
@click.option(
    "--set", "name", help="Name of this set of rules; default: the path of RULES, absolute."
)
@form_option
def run_rules(rules: Path, case: Path, name: str | None, form: str) -> int:
    """Hold the rules in RULES (a file or a folder) against the events and tables of CASE.

    Hits land in the table sigma_hit, all rules in sigma_rule; those of an earlier run of the same set or rule are replaced.
    Rules that could not be run are listed with the reason; exit code 3 then.

    Example: forensic-iso sigma run rules/windows case1 --set windows
    """
    from forensic_iso.case import store
    from forensic_iso.options import EXIT_INCOMPLETE, print_rows, say
    from forensic_iso.progress import progress
    from forensic_iso.sigma.run import run
    from forensic_iso.text import terminal

    if not store.database(case).is_file():
        store.open_reader(case)
    rule_set = name or str(rules.resolve())
    with store.open_writer(case) as con:
        with progress("groups of events") as show:
            results = run(con, rules, rule_set, show)
        con.execute("CHECKPOINT")
        names, rows = hits_by_rule(con, rule_set)
        lost = con.execute("SELECT count(*) FROM event WHERE channel IS NULL").fetchone()
    left = [r for r in results if r.state != "run"]
    for r in left:
        what = f"{r.heading.file}: {r.heading.title or 'no title'}: {r.reason}"
        say(f"{r.state}: {terminal(what, 600)}")
    for r in results:
        if r.state == "run" and r.reason:
            say(f"remark: {terminal(f'{r.heading.file}: {r.reason}', 600)}")
    ran = [r for r in results if r.state == "run"]
    say(
        f"{len(results)} rules read, {len(ran)} run, {sum(not r.rows for r in ran)} of them without an event of their log"
        f" in the case, {len(left)} not run; {sum(r.hits for r in ran)} hits of {sum(r.hits > 0 for r in ran)} rules"
    )
    if lost and lost[0]:
        say(
            f"{lost[0]} events whose channel could not be read were held only against rules for all of Windows"
        )
    store.log(
        case,
        "sigma",
        rule_set=rule_set,
        rules=len(results),
        run=len(ran),
        hits=sum(r.hits for r in ran),
    )
    print_rows(names, rows, form)
    return EXIT_INCOMPLETE if left else 0


def hits_by_rule(con: object, rule_set: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Rules of a set with hits, the gravest first: names and rows for print."""
    import duckdb

    if not isinstance(con, duckdb.DuckDBPyConnection):
        raise TypeError("a DuckDB connection is wanted")
    from forensic_iso.sigma.support import BY_LEVEL, VIEW

    cursor = con.execute(
        f"WITH supported AS (SELECT DISTINCT hit_id FROM {VIEW} WHERE direct)"
        " SELECT level, title, count(*) AS hits, count(DISTINCT host) AS hosts, min(time_utc) AS first_utc,"
        " max(time_utc) AS last_utc, count(s.hit_id) AS in_findings, attack_ids, rule_file"
        " FROM sigma_hit h LEFT JOIN supported s USING (hit_id) WHERE rule_set = ?"
        " GROUP BY level, title, attack_ids, rule_file"
        f" ORDER BY {BY_LEVEL}, hits DESC, title, rule_file",
        [rule_set],
    )
    return [d[0] for d in cursor.description], cursor.fetchall()


@sigma.command("hits")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--finding", help="Only hits that support the finding of this id.")
@form_option
def hits(case: Path, finding: str | None, form: str) -> int:
    """Print the hits of CASE in order of time, with the finding each supports and the ground for it.

    Example: forensic-iso sigma hits case1 --finding 3f9c2a1b0d4e5f60
    """
    from forensic_iso.case.store import open_reader
    from forensic_iso.errors import UsageError
    from forensic_iso.options import print_rows
    from forensic_iso.sigma.support import VIEW

    with open_reader(case) as con:
        if not con.execute("FROM sigma_rule LIMIT 1").fetchone():
            raise UsageError(
                f"looking for Sigma hits in {case}: no rules were run; `forensic-iso sigma run RULES {case}`"
            )
        cursor = con.execute(
            "SELECT time_utc, host, level, title, finding_id, basis, attack_ids, table_name, source_id, row_address,"
            f" rule_file, rule_set FROM sigma_hit LEFT JOIN {VIEW} USING (hit_id)"
            " WHERE $1 IS NULL OR finding_id = $1 ORDER BY time_utc, host, title, table_name, source_id, row_address,"
            " rule_file, rule_set, finding_id",
            [finding],
        )
        print_rows([d[0] for d in cursor.description], cursor.fetchall(), form)
    return 0


COMMANDS: tuple[click.Command, ...] = (sigma,)
