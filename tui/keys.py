"""Keys as they are shown, and the user's own."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tui.commands import COMMANDS, Command

KEY_SIGNS = {
    "question_mark": "?",
    "colon": ":",
    "semicolon": ";",
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "full_stop": ".",
    "equals_sign": "=",
    "ampersand": "&",
    "asterisk": "*",
    "backslash": "\\",
    "quotation_mark": '"',
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "f1": "F1",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
}


def sign(keys: str) -> str:
    """Keys as they stand on the keyboard: `question_mark,f1` becomes `? F1`."""
    out = []
    for key in keys.split(","):
        shown = KEY_SIGNS.get(key, key)
        out.append(shown.replace("ctrl+", "Ctrl-"))
    return " ".join(out)


def keys_of(command: Command, remapped: Mapping[str, str]) -> str:
    """Keys of a command, the user's own where there are."""
    return remapped.get(command.name, command.keys)


def keys_of_name(name: str, remapped: Mapping[str, str]) -> str:
    """The first key of a command, as it stands on the keyboard."""
    command = next(c for c in COMMANDS if c.name == name)
    return sign(keys_of(command, remapped)).split(" ")[0]


def hints(places: Iterable[str], remapped: Mapping[str, str]) -> list[tuple[str, str]]:
    """Key and word of the commands shown in the key line of a screen."""
    wanted = tuple(places)
    return [
        (sign(keys_of(c, remapped)).split(" ")[0], c.hint)
        for place in wanted
        for c in COMMANDS
        if c.place == place and c.hint
    ]


def key_file(environment: Mapping[str, str]) -> Path:
    """Where the user's own keys are read from."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    return Path(base) / "forensic-iso/keys.toml"


def load_keys(path: Path) -> tuple[dict[str, str], str | None]:
    """The user's own keys by command name, and what is wrong with the file, if anything.

    The file has one table [keys]: `next_hit = "n"`, several keys joined by commas.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("keys", {})
    except FileNotFoundError:
        return {}, None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as e:
        return {}, f"keys of {path} not used: {e}"
    names = {c.name for c in COMMANDS}
    if not isinstance(table, dict):
        return {}, f"keys of {path} not used: expected a table [keys]"
    good = {str(k): str(v) for k, v in table.items() if k in names and isinstance(v, str) and v}
    unknown = sorted(str(k) for k in table if k not in good)
    return good, f"unknown in {path}: {', '.join(unknown)}" if unknown else None
