r"""Which files of a volume bear on the question, by their path from the root (`\Windows\...`), case ignored.

The patterns keep to what Rust's and Python's regular expressions have in common: whole $MFTs are matched as columns.
"""

import re
from functools import lru_cache

_HIVE_LOGS = r"(\.log[12]?)?"
_PATTERNS: tuple[str, ...] = (
    # logs
    r"\.evtx",
    # hives with their transaction logs
    r"\\windows\\system32\\config\\(regback\\)?(system|software|sam|security|default)" + _HIVE_LOGS,
    r"\\ntuser\.(dat|man)" + _HIVE_LOGS,
    r"\\usrclass\.dat" + _HIVE_LOGS,
    r"\\windows\\appcompat\\programs\\(amcache\.hve" + _HIVE_LOGS + r"|recentfilecache\.bcf)",
    r"\\windows\\appcompat\\pca\\[^\\]+\.txt",
    # execution
    r"\\windows\\prefetch\\[^\\]+\.(pf|db)",
    r"\\windows\\system32\\sru\\(srudb\.(dat|jfm)|sru[^\\]*\.(log|jtx|chk|jrs))",
    r"\\windows\\(system32\\)?tasks\\.+",
    r"\\consolehost_history\.txt",
    r"\\activitiescache\.db(-wal|-shm)?",
    # shortcuts, jump lists, recycle bin
    r"\.lnk",
    r"\.(automatic|custom)destinations-ms",
    r"\\\$recycle\.bin\\.*\\\$i[^\\]*",
    # browsers
    r"\\(history|downloads|downloadmetadata|web data)(-journal|-wal|-shm)?",
    r"\\(places|downloads)\.(sqlite|json)(-wal|-shm)?",
    r"\\webcache\\(webcachev[0-9]+\.(dat|jfm)|v[0-9]+[^\\]*\.(log|jtx|chk|jrs))",
    # transfers, error reports
    r"\\microsoft\\network\\downloader\\(qmgr[0-9]?\.(db|dat|jfm)|edb[^\\]*\.(log|jtx|chk|jrs))",
    r"\\windows\\wer\\.*\.wer",
    # devices, Defender
    r"\\windows\\(inf\\)?setupapi[^\\]*\.log",
    r"\\windows defender\\support\\mp(log|detection)[^\\]*\.log",
    r"\\windows defender\\scans\\history\\service\\detectionhistory\\.+",
    r"\\windows defender\\quarantine\\entries\\[^\\]+",
    # images
    r"\.(iso|img|ima|udf|vhd|vhdx|avhd|avhdx|vhds)",
)
_NOT = r"^\\(windows\\(winsxs|servicing|softwaredistribution)|\$extend)\\"
_PLACES = r"^\\(users|programdata|temp|windows\\temp|\$recycle\.bin|[^\\]+$)"
"""Where users and programs put images: files there are looked at whatever their name."""
_OTHER_TYPES = (
    r"\.(exe|dll|sys|mui|etl|db|dat|log|log1|log2|txt|xml|json|jpg|jpeg|png|gif|mp3|mp4|mov|docx|xlsx|pptx|pdf|"
    r"zip|7z|rar|cab|msi|ttf|js|css|html|htm|sqlite|edb|jrs|chk|regtrans-ms|blf|pak|cache|wim)$"
)
_COLLECTION = (
    r"(^|\\)([a-z](:|_|%3a)?|%5c%5c\.%5c[a-z]%3a|uploads\\[a-z_]+)\\"
    r"(windows|users|programdata|\$mft|%24mft|\$extend|%24extend|\$recycle\.bin)"
)
_WINDOWS = r"^\\windows\\system32\\"

_FOLDERS = (
    r"^\\(users\\[^\\]+\\(downloads|desktop|documents|onedrive[^\\]*|appdata\\local\\temp|"
    r"appdata\\roaming\\microsoft\\windows\\recent)|windows\\prefetch|\$recycle\.bin\\[^\\]+)$"
)
"""Folders whose index is given: it may name files that are gone."""
LEAST_IMAGE = 34_816
MAX_FILE_BYTES = 64 << 30
"""Larger files are not read out of a volume: a virtual disk of that size is no delivered image."""
MAX_SNIFFED = 20_000
"""Files of a volume whose bytes are looked at for an image's marks."""


def wanted_pattern() -> str:
    """Regular expression over lower-case paths: the files that parsers take."""
    return "(" + "|".join(_PATTERNS) + ")$"


def unwanted_pattern() -> str:
    """Of these, the copies that Windows keeps for itself."""
    return _NOT


def windows_pattern() -> str:
    """A path that tells a system volume."""
    return _WINDOWS


def collection_pattern() -> str:
    """A path that tells a collector's layout."""
    return _COLLECTION


def folder_pattern() -> str:
    """Folders whose index ($I30) is given."""
    return _FOLDERS


def place_pattern() -> str:
    """Folders where an image under any name may lie."""
    return _PLACES


def other_type_pattern() -> str:
    """Names that are not looked at for an image's marks."""
    return _OTHER_TYPES


@lru_cache(1)
def _compiled() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(wanted_pattern()), re.compile(_NOT)


def is_wanted(path: str) -> bool:
    """Whether a file of a volume is to be given to parsers."""
    wanted, unwanted = _compiled()
    lower = path.lower()
    return wanted.search(lower) is not None and unwanted.match(lower) is None


def may_be_image(path: str, size: int) -> bool:
    """Whether the bytes of a file are worth a look: of a size, in a place and under a name an image may have."""
    lower = path.lower()
    return (
        size >= LEAST_IMAGE
        and size % 512 == 0
        and re.match(_PLACES, lower) is not None
        and re.search(_OTHER_TYPES, lower) is None
    )


def has_image_mark(head: bytes) -> bool:
    """Whether the first 34,816 bytes are those of a disc or a virtual disk."""
    return head[0x8001:0x8006] in (b"CD001", b"BEA01", b"NSR02", b"NSR03") or head.startswith(
        (b"vhdxfile", b"conectix")
    )
