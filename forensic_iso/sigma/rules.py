"""Sigma rules from files: read and checked by pySigma, converted to conditions of DuckDB."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from forensic_iso.errors import UsageError
from forensic_iso.sigma.logsource import NoSuchLog, OwnTable, Scope, scopes

if TYPE_CHECKING:
    from sigma.rule import SigmaRule, SigmaRuleBase

    from forensic_iso.sigma.dialect import DuckDbBackend

SUFFIXES = frozenset({".yml", ".yaml"})
LARGEST = 2 << 20
"""Bytes of a rule file that are read; real ones stay below 100 KB."""

METADATA_ERRORS = frozenset(
    {
        "SigmaAuthorError",
        "SigmaDateError",
        "SigmaDescriptionError",
        "SigmaFalsePositivesError",
        "SigmaFieldsError",
        "SigmaIdentifierError",
        "SigmaLevelError",
        "SigmaLicenseError",
        "SigmaModifiedError",
        "SigmaNameError",
        "SigmaReferencesError",
        "SigmaRelatedError",
        "SigmaScopeError",
        "SigmaStatusError",
        "SigmaTagError",
        "SigmaTaxonomyError",
        "SigmaTitleError",
    }
)
"""Faults of a rule that do not touch what it detects: it runs, and they are told."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a rule says of itself, and where it stands."""

    file: str
    sha256: str
    number: int
    rule_id: str | None = None
    title: str | None = None
    level: str | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    logsource: str | None = None

    @property
    def attack_ids(self) -> tuple[str, ...]:
        """Techniques among the tags: attack.t1553.005 -> T1553.005."""
        found = (t.split(".", 1)[1].upper() for t in self.tags if t.lower().startswith("attack.t"))
        return tuple(i for i in found if i[1:2].isdigit())


@dataclass(frozen=True, slots=True)
class Converted:
    """A rule that can be run: its condition over the fields `raw` and `folded`."""

    heading: Heading
    sql: str
    raw: tuple[str, ...]
    folded: tuple[str, ...]
    target: tuple[Scope, ...] | OwnTable
    event_ids: frozenset[int] | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that cannot be run, and why; `state` is refused, malformed or failed."""

    heading: Heading
    state: str
    reason: str


def rule_files(place: Path) -> list[tuple[str, Path]]:
    """Rule files of a folder (by name, all the way down), or the one file; with names from `place` downwards.

    Raises:
        UsageError: there is none.
    """
    if place.is_file():
        return [(place.name, place)]
    found = sorted(
        (p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()),
        key=lambda p: p.relative_to(place).as_posix(),
    )
    if not found:
        raise UsageError(
            f"reading the rules {place}: expected files *.yml of Sigma, found none; give a rule or a folder of rules"
        )
    return [(p.relative_to(place).as_posix(), p) for p in found]


def read_rules(place: Path, own: frozenset[str]) -> Iterator[Converted | Refused]:
    """All rules of a file or folder, converted or with the reason why not.

    Args:
        place: file or folder.
        own: names of the case's tables, for product forensic_iso.

    Raises:
        UsageError: there is no rule file, or pySigma is not installed.
    """
    try:
        from forensic_iso.sigma.dialect import DuckDbBackend
    except ModuleNotFoundError as e:
        raise UsageError(
            f"reading Sigma rules needs pySigma, which is not here ({e.name}); install it with:"
            " pip install 'forensic-iso[sigma]'"
        ) from e
    backends = DuckDbBackend(), DuckDbBackend(native_event_id=False)
    for name, path in rule_files(place):
        yield from _read_file(name, path, own, *backends)


def _read_file(
    name: str,
    path: Path,
    own: frozenset[str],
    events: "DuckDbBackend",
    tables: "DuckDbBackend",
) -> Iterator[Converted | Refused]:
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    from forensic_iso.sigma.engine import policy

    try:
        with path.open("rb") as f:
            content = f.read(LARGEST + 1)
    except OSError as e:
        yield Refused(Heading(name, "", 1), "malformed", f"cannot be read: {e.strerror}")
        return
    sha256 = hashlib.sha256(content).hexdigest()
    whole = Heading(name, sha256, 1)
    if len(content) > LARGEST:
        yield Refused(whole, "malformed", f"is larger than {LARGEST} bytes")
        return
    try:
        documents = _documents(content)
        collection = SigmaCollection.from_dicts(
            documents,  # type: ignore[arg-type]
            collect_errors=True,
            collect_filters=True,
            resolve_references=False,
            policy=policy(),
        )
    except (SigmaError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as e:
        # pySigma does not check every shape of a document before it walks it
        yield Refused(whole, "malformed", _reason(e))
        return
    known = {id(e) for r in (*collection.rules, *collection.filters) for e in r.errors}
    for number, error in enumerate((e for e in collection.errors if id(e) not in known), 1):
        yield Refused(Heading(name, sha256, number), "malformed", _reason(error))
    number = 0
    for rule in collection.rules:
        number += 1
        heading = _heading(name, sha256, number, rule)
        if not isinstance(rule, SigmaRule):
            yield Refused(heading, "refused", _correlation(rule))
            continue
        yield convert(rule, heading, own, events, tables)
    for entry in collection.filters:
        number += 1
        yield Refused(
            _heading(name, sha256, number, entry),
            "refused",
            "a Sigma filter changes other rules; put its condition into the rules themselves",
        )
    if not number and not collection.errors:
        yield Refused(whole, "malformed", "holds no rule")


def _documents(content: bytes) -> list[dict[str, object]]:
    """The documents of a YAML file, by pySigma's loader (no tags, no key twice).

    Raises:
        ValueError: no YAML, or a document that is no mapping.
    """
    import yaml
    from sigma.rule.base import SigmaYAMLLoader

    try:
        loaded = list(yaml.load_all(content.decode("utf-8-sig"), SigmaYAMLLoader))
    except yaml.YAMLError as e:
        raise ValueError(f"no YAML: {e}") from e
    documents = [d for d in loaded if d is not None]
    for d in documents:
        if not isinstance(d, dict):
            raise ValueError(f"expected a mapping, found {type(d).__name__}")
    return documents


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:500]


def _correlation(rule: "SigmaRuleBase") -> str:
    kind = getattr(getattr(rule, "type", None), "name", "unknown").lower()
    return (
        f"a correlation rule ({kind}) joins hits of other rules over time; only rules on single events"
        " are run, sessions and findings are the correlation of this tool"
    )


def _word(value: object) -> str | None:
    """A level or status in lower case; what pySigma did not know it leaves as it found it: None then."""
    return value.name.lower() if isinstance(value, Enum) else None


def _heading(name: str, sha256: str, number: int, rule: "SigmaRuleBase") -> Heading:
    source = getattr(rule, "logsource", None)
    parts = (
        [str(getattr(source, k, None) or "-") for k in ("product", "category", "service")]
        if source is not None
        else []
    )
    return Heading(
        name,
        sha256,
        number,
        str(rule.id) if rule.id else None,
        str(rule.title) if rule.title else None,
        _word(rule.level),
        _word(rule.status),
        tuple(map(str, rule.tags)) if isinstance(rule.tags, list) else (),
        "/".join(parts) or None,
    )


def convert(
    rule: "SigmaRule",
    heading: Heading,
    own: frozenset[str],
    events: "DuckDbBackend",
    tables: "DuckDbBackend",
) -> Converted | Refused:
    """One rule as a condition.

    Args:
        rule: as pySigma read it.
        heading: what is told of it.
        own: names of the case's tables.
        events: backend for events.
        tables: backend for the case's own tables.
    """
    from sigma.exceptions import SigmaError

    from forensic_iso.sigma.scope import event_ids

    grave = [e for e in rule.errors if type(e).__name__ not in METADATA_ERRORS]
    if grave:
        return Refused(heading, "malformed", "; ".join(map(_reason, grave)))
    source = rule.logsource
    try:
        target = scopes(source.product, source.category, source.service, own)
    except NoSuchLog as e:
        return Refused(heading, "refused", str(e))
    backend = tables if isinstance(target, OwnTable) else events
    backend.raw, backend.folded = {}, {}
    try:
        conditions = [str(q) for q in backend.convert_rule(rule)]
        ids = [event_ids(c.parsed) for c in rule.detection.parsed_condition]
    except (SigmaError, NotImplementedError, RecursionError) as e:
        return Refused(heading, "refused", _reason(e))
    except (ValueError, TypeError, AttributeError, LookupError) as e:
        return Refused(heading, "malformed", _reason(e))
    if not conditions:
        return Refused(heading, "malformed", "has no condition")
    wanted = None if any(i is None for i in ids) else frozenset().union(*(i or () for i in ids))
    return Converted(
        heading,
        conditions[0] if len(conditions) == 1 else "(" + ") OR (".join(conditions) + ")",
        tuple(backend.raw),
        tuple(backend.folded),
        target,
        None if isinstance(target, OwnTable) else wanted,
        "; ".join(map(_reason, rule.errors)) or None,
    )
