"""Evidence into the case: discover, hash, read what names its host, then what takes the name from there."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from forensic_iso.case import store
from forensic_iso.case.ahead import Ahead
from forensic_iso.case.alone import workers_for
from forensic_iso.case.duplicates import drop_copies
from forensic_iso.case.host_of import COLLECTION_NAME, NOTHING, HostNames, Witness
from forensic_iso.case.messages import Ended, Hashed, Planned, Task
from forensic_iso.case.pool import Inline, Pool, pool_of
from forensic_iso.case.reading import MOST_PARTS, PART_BYTES, Reading, most_parts, plan, size, tasks
from forensic_iso.case.schema import evidence_tables
from forensic_iso.case.shadow_rows import drop_unchanged
from forensic_iso.case.writer import SourceWriter, insert_problems
from forensic_iso.errors import CaseError, NothingUsable
from forensic_iso.evidence.discover import Discovery, ImageOptions, discover
from forensic_iso.evidence.earlier import earlier_state
from forensic_iso.evidence.found import JOIN, Found, placed
from forensic_iso.text import encodable
from parsers.contract import Part, Problem, Window
from parsers.registry import PARSERS, by_kind, host_witness, module_of, names_host

HASHING = MOST_PARTS + 1
STRIDE = HASHING + 1
"""Numbers of tasks that each source has: its parts, their joining, its hashing."""

OWN_RECORDS = "named in its own records"
"""Basis of a host's name that needs no other artifact."""

Report = Callable[[str, int, int], None]
"""progress(what, bytes done, bytes in all)"""


@dataclass(slots=True)
class Source:
    """One recognised artifact on its way into the case."""

    found: Found
    kind: str
    sha256: str = ""
    source_id: str = ""
    twin: int = 0
    """Number among the artifacts of this run with the same bytes at the same place: two hosts' folders of one name."""
    known: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    early: list[Problem] = field(default_factory=list)
    """Problems met while hashing: booked with the rows."""
    unreadable: str | None = None
    beside: tuple[Found, ...] = ()
    parts: tuple[Part, ...] = ()
    """Where it is cut for several workers; none: it is read as a whole."""

    @property
    def path(self) -> str:
        """Where it lies below what was handed in."""
        return logical_path(self.found)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an ingest did."""

    recognised: int
    read_now: int
    known_before: int
    failed: int
    unrecognised: int
    rows: int
    problems: int
    errors: int
    copies: int
    not_found: list[str] = field(default_factory=list)


def source_id(path: str, sha256: str, twin: int = 0) -> str:
    """Id of an artifact: the same bytes at the same place below what was handed in; `twin` counts those in one run."""
    text = f"{path}\0{sha256}" + (f"\0{twin}" if twin else "")
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def logical_path(found: Found) -> str:
    """Path that starts with the name of what was handed in: the same wherever it lies and from wherever it is named."""
    outer, *inner = (
        (found.containers[0], *found.path.split(JOIN)[1:]) if found.containers else (found.member,)
    )
    top = found.given.rpartition("/")[2]
    return encodable(JOIN.join([top + outer[len(found.given) :], *inner]))


class Ingest:
    """One run of the ingest over a case that is open for writing."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        case: Path,
        window: Window,
        pool: Pool | Inline,
        report: Report | None = None,
        images: ImageOptions | None = None,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._part_bytes = part_bytes
        self._images = images or ImageOptions()
        self._con, self._case, self._window, self._pool = con, case, window, pool
        self._report = report or (lambda what, done, total: None)
        self._ahead = Ahead(pool.count - 1, case)
        self._columns = {t.name: t.column_names() for t in evidence_tables()}

    def run(self, evidence: Sequence[Path]) -> Summary:
        """Read the evidence into the case.

        Raises:
            NothingUsable: no file of the evidence is recognised.
            CaseError: the case was made with another time window.
        """
        self._keep_window()
        self._pool.start(1)
        discovery = discover(evidence, PARSERS, self._images, self._report)
        self._book_unrecognised(discovery)
        sources = [Source(r.found, r.kind, beside=r.beside) for r in discovery.recognised]
        if not sources:
            raise NothingUsable(self._nothing(discovery, evidence))
        self._pool.start(sum(most_parts(s.kind, s.found, self._part_bytes) for s in sources))
        self._hash_companions(sources)
        self._hash(sources)
        self._book(sources)
        self._read(sources)
        copies = drop_copies(self._con)
        drop_unchanged(self._con)
        return self._summary(sources, discovery, copies)

    @staticmethod
    def _nothing(discovery: Discovery, evidence: Sequence[Path]) -> str:
        given = ", ".join(map(str, evidence))
        why = "; ".join(f"{f.path}: {reason}" for f, reason in discovery.unrecognised[:5])
        why = (
            why
            or "; ".join(f"{p.path}: {p.problem.message}" for p in discovery.problems[:5])
            or "no file in it"
        )
        return f"looking for Windows artifacts in {given}: expected event logs or an $MFT, found none ({why})"

    def _keep_window(self) -> None:
        want = {"since": str(self._window.since_ns), "until": str(self._window.until_ns)}
        have = dict(
            self._con.execute(
                "SELECT key, value FROM case_info WHERE key IN ('since', 'until')"
            ).fetchall()
        )
        if not have:
            # one statement: half of it, left by a kill, would read as another window
            both = [text for pair in want.items() for text in pair]
            self._con.execute("INSERT INTO case_info VALUES (?, ?), (?, ?)", both)
        elif have != want:
            raise CaseError(
                f"adding to the case {self._case}: it was made with another --since/--until; "
                "give the same, or another --case"
            )

    def _book_unrecognised(self, discovery: Discovery) -> None:
        """Files that no parser takes, and what went wrong before a parser was asked. Replaced at each run."""
        paths = [p.path for p in discovery.problems] + [
            logical_path(f) for f, _ in discovery.unrecognised
        ]
        con = self._con
        con.execute("BEGIN")
        con.execute(
            "DELETE FROM source WHERE state = 'skipped' AND list_contains(?, path)", [paths]
        )
        con.execute(
            "DELETE FROM problem WHERE source_id IS NULL AND list_contains(?, path)", [paths]
        )
        rows = [
            [
                source_id(logical_path(f), ""),
                logical_path(f),
                encodable(f.given),
                f.windows_path,
                _chain(f),
                f.size,
                "skipped",
                why,
            ]
            for f, why in discovery.unrecognised
        ]
        if rows:
            con.executemany(
                "INSERT INTO source (source_id, path, given, windows_path, container, bytes, state, remark)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
        for p in discovery.problems:
            insert_problems(con, None, p.path, [p.problem])
        con.execute("COMMIT")

    def _hash(self, sources: list[Source]) -> None:
        waiting = deque(
            Task(i * STRIDE + HASHING, s.found, plan=plan(s.kind, s.found, self._part_bytes))
            for i, s in enumerate(sources)
        )
        booked = {path for (path,) in self._con.execute("SELECT path FROM source").fetchall()}
        left, done, total = len(sources), 0, sum(s.found.size for s in sources)
        for number, message in self._pool.run(waiting):
            i, part = divmod(number, STRIDE)
            s = sources[i]
            if part != HASHING:
                self._ahead.take(i, number, message)
            elif isinstance(message, Hashed):
                s.sha256 = message.sha256
            elif isinstance(message, Planned):
                s.parts = message.parts if len(message.parts) > 1 else ()
                if s.parts and names_host(s.kind) and s.path not in booked:
                    self._ahead.begin(i, self._task(i, s), s.parts, waiting)
            elif isinstance(message, Problem):
                s.early.append(message)
            elif isinstance(message, Ended):
                done += s.found.size
                s.unreadable = message.error
                self._report("hashing", done, total)
                left -= 1
                if not left:
                    break
        self._name_sources(sources)

    @staticmethod
    def _name_sources(sources: list[Source]) -> None:
        """Give the sources their ids, and tell apart those that would have the same."""
        seen: Counter[tuple[str, str]] = Counter()
        for s in sources:
            place = (s.path, "" if s.unreadable else s.sha256)
            s.twin = seen[place]
            seen[place] += 1
            if place[1]:
                s.source_id = source_id(*place, s.twin)

    def _hash_companions(self, sources: list[Source]) -> None:
        """Hashes for the manifest of files that are read together with another one."""
        found = list(dict.fromkeys(f for s in sources for f in s.beside))
        self._con.execute("BEGIN")
        for number, message in self._pool.run([Task(i, f) for i, f in enumerate(found)]):
            path = logical_path(found[number])
            if isinstance(message, Hashed):
                self._con.execute(
                    "UPDATE source SET sha256 = ? WHERE source_id = ?",
                    [message.sha256, source_id(path, "")],
                )
            elif isinstance(message, Problem):
                insert_problems(self._con, None, path, [message])
        self._con.execute("COMMIT")

    def _book(self, sources: list[Source]) -> None:
        """Books the new sources as pending; forgets rows of an older parser or of a read that was cut."""
        con = self._con
        con.execute("BEGIN")
        have = {
            r[0]: r[1:]
            for r in con.execute("SELECT source_id, state, parser_version FROM source").fetchall()
        }
        for s in sources:
            if s.unreadable or not s.source_id:
                self._book_unreadable(s)
                continue
            version = by_kind(s.kind).VERSION
            state = have.get(s.source_id)
            if state and state[0] in ("done", "failed") and state[1] == version:
                s.known = True
                continue
            if state:
                self._forget(s.source_id, s.kind)
            f = s.found
            con.execute(
                "INSERT INTO source (source_id, path, given, windows_path, container, bytes, sha256, kind,"
                " parser_version, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
                [
                    s.source_id,
                    s.path,
                    encodable(f.given),
                    f.windows_path,
                    _chain(f),
                    f.size,
                    s.sha256,
                    s.kind,
                    version,
                ],
            )
        con.execute("COMMIT")
        self._load_hosts(sources)

    def _book_unreadable(self, s: Source) -> None:
        """A file that could not even be hashed: failed, and tried again at the next run."""
        s.source_id, s.known = "", False
        place = source_id(s.path, "", s.twin)
        self._forget(place, s.kind)
        self._con.execute(
            "INSERT INTO source (source_id, path, given, windows_path, container, bytes, kind, state, remark, rows,"
            " problems) VALUES (?, ?, ?, ?, ?, ?, ?, 'failed', ?, 0, ?)",
            [place, s.path, encodable(s.found.given), s.found.windows_path, _chain(s.found), s.found.size, s.kind, s.unreadable,
             len(s.early)],
        )  # fmt: skip
        insert_problems(self._con, place, s.path, s.early)

    def _forget(self, source: str, kind: str) -> None:
        for table in by_kind(kind).TABLES:
            self._con.execute(f'DELETE FROM "{table.name}" WHERE source_id = ?', [source])
        for table_name in ("problem", "event_copy", "source"):
            self._con.execute(f"DELETE FROM {table_name} WHERE source_id = ?", [source])

    def _load_hosts(self, sources: list[Source]) -> None:
        known = dict(
            self._con.execute(
                "SELECT source_id, host FROM source WHERE state IN ('done', 'failed') AND starts_with(host_basis, ?)",
                [OWN_RECORDS],
            ).fetchall()
        )
        for s in sources:
            host = known.get(s.source_id)
            if s.known and host:
                s.hosts = ((host, 1),)

    def _read(self, sources: list[Source]) -> None:
        todo = [i for i, s in enumerate(sources) if s.source_id and not s.known]
        first = [i for i in todo if names_host(sources[i].kind)]
        rest = [i for i in todo if not names_host(sources[i].kind)]
        self._total, self._done = sum(sources[i].found.size for i in todo), 0
        self._parse(sources, first, {})
        # A hive of an earlier state names no host: it must not stand before those that do.
        witnesses = {
            s.found: Witness(s.hosts, s.kind == "evtx")
            for s in sources
            if host_witness(s.kind) and (s.hosts or earlier_state(s.found) is None)
        }
        names = HostNames(witnesses, self._named_before())
        self._name_again(sources, names)
        self._name_the_silent([sources[i] for i in first], names)
        hosts = {i: names.name(sources[i].found) for i in rest}
        self._parse(sources, rest, hosts)

    def _named_before(self) -> list[tuple[Found, str]]:
        """Artifacts of the case that name the host of those around them, each with that host."""
        kinds = [p.KIND for p in PARSERS if host_witness(p.KIND)]
        rows = self._con.execute(
            "SELECT path, given, windows_path, host FROM source"
            " WHERE list_contains(?, kind) AND starts_with(host_basis, ?) AND given IS NOT NULL",
            [kinds, OWN_RECORDS],
        ).fetchall()
        return [(placed(path, given, there), host) for path, given, there, host in rows]

    def _name_the_silent(self, sources: list[Source], names: HostNames) -> None:
        """A hive that should name its host and does not takes the name from the logs near it."""
        for s in sources:
            if s.hosts or s.kind == "evtx":
                continue
            self._rename(s.source_id, s.kind, *names.name(s.found))

    def _name_again(self, sources: list[Source], names: HostNames) -> None:
        """What bears its collection's name from an earlier ingest takes the host's, if this one tells it."""
        rows = self._con.execute(
            "SELECT source_id, kind, path, given, windows_path, host FROM source"
            " WHERE starts_with(host_basis, ?) AND ends_with(host_basis, ?)",
            [COLLECTION_NAME, NOTHING],
        ).fetchall()
        here = {s.source_id: s.found for s in sources}
        for source, kind, path, given, there, before in rows:
            host, basis = names.name(here.get(source) or placed(path, given, there))
            if not basis.endswith(NOTHING):
                self._rename(source, kind, host, basis, before)

    def _rename(self, source: str, kind: str, host: str, basis: str, before: str = "") -> None:
        """Give the host to the rows of a source that have none, or the one before."""
        for table in by_kind(kind).TABLES:
            self._con.execute(
                f"UPDATE \"{table.name}\" SET host = ? WHERE source_id = ? AND coalesce(host, '') IN ('', ?)",
                [host, source, before],
            )
        self._con.execute(
            "UPDATE source SET host = ?, host_basis = ? WHERE source_id = ?", [host, basis, source]
        )

    def _parse(
        self, sources: list[Source], todo: list[int], hosts: dict[int, tuple[str, str]]
    ) -> None:
        todo = sorted(todo, key=lambda i: (-sources[i].found.size, sources[i].found.path))
        whole = {i: self._task(i, sources[i]) for i in todo}
        every = [t for i in todo for t in tasks(whole[i], sources[i].parts)]
        sizes = {task.number: size(task) for task in every}
        begun = self._ahead.given()
        waiting = deque(task for task in every if task.number not in begun)
        readings = self._begun(sources, todo, sizes)

        def write_ahead() -> None:
            for reading in readings.values():
                reading.write_ahead()

        for number, message in self._pool.run(waiting, write_ahead):
            i = number // STRIDE
            s, given = sources[i], hosts.get(i)
            reading = readings.get(i)
            if reading is None:
                reading = readings[i] = Reading(whole[i], s.parts, None, self._case)
                reading.begin(self._writer(s, given[0] if given else None))
            follows = reading.take(number, message)
            if follows:
                waiting.appendleft(follows)
            if reading.over:
                s.hosts = reading.hosts
                reading.close(*(given or _own_host(s.hosts)))
                del readings[i]
            if isinstance(message, Ended):
                self._done += sizes.get(number, 0)
                self._report(f"reading {s.found.name}", self._done, self._total)

    def _begun(
        self, sources: list[Source], todo: list[int], sizes: dict[int, int]
    ) -> dict[int, Reading]:
        """What was begun while hashing. Without a writer it comes to nothing: its source could not be hashed."""
        begun, self._ahead = self._ahead.readings, Ahead(0, self._case)
        for i, reading in begun.items():
            if i in todo:
                reading.begin(self._writer(sources[i], None))
                self._done += sum(sizes[number] for number in reading.ended)
        return begun

    def _task(self, i: int, s: Source) -> Task:
        return Task(i * STRIDE, s.found, module_of(s.kind), self._window, s.beside)

    def _writer(self, s: Source, host: str | None) -> SourceWriter:
        writer = SourceWriter(self._con.cursor(), self._columns, s.source_id, s.path, host)
        writer.problems.extend(s.early)
        writer.begin()
        return writer

    def _summary(self, sources: list[Source], discovery: Discovery, copies: int) -> Summary:
        count = self._con.execute(
            "SELECT (SELECT count(*) FROM source WHERE state = 'failed'), (SELECT coalesce(sum(rows), 0)::BIGINT FROM"
            " source), (SELECT count(*) FROM problem), (SELECT count(*) FROM problem WHERE severity = 'error')"
        ).fetchone()
        failed, rows, problems, errors = count or (0, 0, 0, 0)
        known = sum(s.known for s in sources)
        return Summary(
            recognised=len(sources),
            read_now=sum(1 for s in sources if s.source_id and not s.known),
            known_before=known,
            failed=failed,
            unrecognised=len(discovery.unrecognised),
            rows=rows,
            problems=problems,
            errors=errors,
            copies=copies,
            not_found=list(discovery.not_found),
        )


def _chain(found: Found) -> str | None:
    return encodable(" > ".join(found.containers)) or None


def _own_host(hosts: tuple[tuple[str, int], ...]) -> tuple[str | None, str | None]:
    if not hosts:
        return None, None
    others = ", ".join(h for h, _ in hosts[1:4])
    return hosts[0][0], OWN_RECORDS + (f"; also {others}" if others else "")


def ingest(
    case: Path,
    evidence: Sequence[Path],
    window: Window | None = None,
    workers: int | None = None,
    report: Report | None = None,
    images: ImageOptions | None = None,
    part_bytes: int = PART_BYTES,
) -> Summary:
    """Open or create the case and read the evidence into it. See `Ingest.run` for the errors raised."""
    with store.open_writer(case) as con:
        return ingest_into(con, case, evidence, window, workers, report, images, part_bytes)


def ingest_into(
    con: duckdb.DuckDBPyConnection,
    case: Path,
    evidence: Sequence[Path],
    window: Window | None = None,
    workers: int | None = None,
    report: Report | None = None,
    images: ImageOptions | None = None,
    part_bytes: int = PART_BYTES,
    pool: Pool | Inline | None = None,
) -> Summary:
    """The same over an open case. `pool`: one that is at work already, instead of `workers` of its own."""
    with ExitStack() as stack:
        if pool is None:
            count = workers_for(evidence) if workers is None else workers
            pool = stack.enter_context(pool_of(count))
        store.log(case, "ingest started", evidence=[str(p) for p in evidence], workers=pool.count)
        window = window or Window()
        summary = Ingest(con, case, window, pool, report, images, part_bytes).run(evidence)
    store.log(case, "ingest ended", summary=summary)
    return summary
