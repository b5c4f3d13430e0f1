"""What the case refuses to tell: said on the screen, which goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from forensic_iso.browse.case import fault_of
from forensic_iso.browse.filters import FilterError

if TYPE_CHECKING:
    from tui.app import ForensicApp


@contextmanager
def told(app: "ForensicApp") -> Iterator[None]:
    """A question that the case cannot answer, as it is damaged or memory ends, does not end the program."""
    try:
        yield
    except duckdb.Error as e:
        app.tell(unread(e), "bad")
    except FilterError as e:
        app.tell(str(e), "bad")


def unread(error: duckdb.Error) -> str:
    """What is said of a case that refuses an answer."""
    return f"the case cannot be read here: {fault_of(error)}"
