"""The host of an artifact that does not name it: from the logs of its collection, else from the collection's name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from forensic_iso.evidence.found import Found
from forensic_iso.evidence.groups import LogIndex, Near, collection_names
from forensic_iso.evidence.labels import Says, host_of_label, says, words_of
from forensic_iso.text import encodable

COLLECTION_NAME = "name of the collection"
"""How the basis begins where no log or registry of the collection names the host."""
NOTHING = "nothing inside names the host"
"""How it ends where no other collection of the case tells more."""


@dataclass(frozen=True, slots=True)
class Witness:
    """An artifact that names the host of those around it, with how many of its records bear each name."""

    hosts: tuple[tuple[str, int], ...]
    is_log: bool


class HostNames:
    """Answers for all artifacts of one ingest."""

    def __init__(
        self, witnesses: Mapping[Found, Witness], before: Iterable[tuple[Found, str]] = ()
    ) -> None:
        """Take what names hosts.

        Args:
            witnesses: event logs and registries of this ingest.
            before: those of the case, from earlier ingests too, with the host that each names.
        """
        self._witnesses = witnesses
        named = {found: w.hosts[0][0] for found, w in witnesses.items() if w.hosts}
        self._logs = LogIndex(list(witnesses), named)
        self._votes: dict[Near, tuple[str, str] | None] = {}
        self._known: set[str] = set()
        self._of_label: defaultdict[str, set[str]] = defaultdict(set)
        for found, host in (*before, *named.items()):
            self._known.add(host)
            label, least = _own_label(found)
            if label is not None and says(label) >= least:
                self._of_label[host_of_label(label)].add(host)

    def name(self, found: Found) -> tuple[str, str]:
        """The host with its basis in words.

        Of several names the one of the registry counts, if records bear it too: files are the present state, and a
        new name that no record bears waits for a restart. Else the name that most records bear. Falls back to the
        name of the collection, and says so, where no log of it is there.
        """
        near = self._logs.nearest(found)
        if near not in self._votes:
            self._votes[near] = self._voted(near)
        return self._votes[near] or self._of_collection(found)

    def _voted(self, near: Near) -> tuple[str, str] | None:
        votes: Counter[str] = Counter()
        present: Counter[str] = Counter()
        borne: set[str] = set()
        words: set[str] = set()
        for log in near.logs:
            witness = self._witnesses[log]
            borne.update(host for host, _ in witness.hosts if witness.is_log)
            for host, count in witness.hosts[:1]:
                votes[host] += max(1, count)
                present[host] += not witness.is_log
                words.add("event logs" if witness.is_log else "registry")
        if not votes:
            return None
        ranked = sorted(votes, key=lambda h: (-present[h] * (h in borne), -votes[h], h))
        where = "in a folder beside its own" if near.beside else "beside it"
        place = f"{' and '.join(sorted(words))} {where}"
        if len(ranked) == 1:
            return ranked[0], f"named in the {place}"
        others = ", ".join(ranked[1:4])
        if present[ranked[0]] and ranked[0] in borne:
            return ranked[0], f"named in the registry {where}; event logs name also {others}"
        return ranked[0], f"named in most records of the {place}; also {others}"

    def _of_collection(self, found: Found) -> tuple[str, str]:
        """The host that the collection's name tells; what lacked of a host may be handed in later, beside others."""
        label = self._label(found)
        basis, host = f"{COLLECTION_NAME}, {encodable(label)}", encodable(host_of_label(label))
        if host not in self._known:
            inside = {word for word in words_of(label) if word in self._known}
            if len(inside) == 1:
                return inside.pop(), f"{basis}: it holds the name of a host of this case"
            same = self._same_name(found, host)
            if same:
                return same, f"{basis}: logs of a collection of that name are of this host"
        return host, f"{basis}: {NOTHING}"

    def _same_name(self, found: Found, host: str) -> str:
        """The one host of collections of the case that have the same name; empty: none, or several."""
        label, least = _own_label(found)
        hosts = self._of_label.get(host, set()) if label and says(label) >= least else set()
        return next(iter(hosts)) if len(hosts) == 1 else ""

    def _label(self, found: Found) -> str:
        """What was given stands for a collection whose own names tell only kinds of artifacts.

        Unless logs of others lie in it as well.
        """
        names, given = collection_names(found)
        shared = bool(names) and self._logs.shared(found.given)
        return _best(names) or (names[0] if shared else given or found.name)


def _best(names: Sequence[str]) -> str | None:
    """From the inside out the first name that can be a host's; a date or number only if there is none."""
    for wanted in ((Says.WORD, Says.HOST), (Says.NUMBER,)):
        for name in names:
            if says(name) in wanted:
                return name
    return None


def _own_label(found: Found) -> tuple[str | None, Says]:
    """The collection's name, and what it must tell to be known again elsewhere: the user's own word is no name."""
    names, given = collection_names(found)
    best = _best(names)
    return (given, Says.HOST) if best is None else (best, Says.WORD)
