"""UsrClass.dat, the second hive of a user: folders browsed (shellbags) and names of programs (MuiCache)."""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.hives.profiles import read_user_hive
from parsers.hives.rows import BESIDE as BESIDE
from parsers.hives.rows import is_hive
from parsers.hives.shellbags import shellbags
from parsers.hives.user_program_tables import PROGRAM_TRACE
from parsers.hives.user_programs import muicache
from parsers.hives.user_tables import SHELLBAG

KIND = "hive_usrclass"
VERSION = 2
LABEL = "Registry"
TABLES = (SHELLBAG, PROGRAM_TRACE)


def recognise(name: str, head: bytes) -> bool:
    """A hive by the name UsrClass.dat, its own or the one inside."""
    return is_hive(name, head, "UsrClass.dat", r"\usrclass.dat")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All tables; every row bears the user whose profile the hive lies in."""
    yield from read_user_hive(artifact, (shellbags, muicache), (shellbags,))
