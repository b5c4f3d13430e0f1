"""Regular expressions of rules, checked by RE2 as DuckDB runs them, without RE2's own lines on stderr."""

import re
from typing import cast

from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern

_LETTERS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


class QuietRe2(RE2RegexEngine):
    """pySigma's engine; a fault is told by its exception alone."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        """Compile a pattern.

        Raises:
            re2.error: RE2 does not take it (look-around, back references, bad syntax).
        """
        letters = "".join(letter for flag, letter in _LETTERS.items() if flags & flag)
        options = self._re2.Options()
        options.log_errors = False
        whole = f"(?{letters}){pattern}" if letters else pattern
        return cast("RegexPattern", self._re2.compile(whole, options))


def policy() -> SigmaPolicy:
    """What rules may do: no files, no templates, regular expressions in linear time."""
    return SigmaPolicy(regex_engine=QuietRe2())
