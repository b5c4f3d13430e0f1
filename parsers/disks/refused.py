"""Disk formats that are not read: by their marks or names, with the command that makes a readable one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """A format's name and the way to get a readable image."""

    name: str
    advice: str


_QEMU = "convert it: qemu-img convert -O qcow2 IN OUT"
_FTK = "open it in FTK Imager and export the files, or the disk as E01"
_WIM = "apply it to a folder (wimapply IN FOLDER) and give the folder"
_RESTORE = "restore it to a virtual disk with the program that made it, and give that disk"
_HEADS: tuple[tuple[int, bytes, Refused], ...] = (
    (64, b"\x7f\x10\xda\xbe", Refused("a VirtualBox disk (VDI)", _QEMU)),
    (0, b"ADSEGMENTEDFILE\0", Refused("an AccessData logical image (AD1)", _FTK)),
    (0, b"LVF\x09\x0d\x0a\xff\0", Refused("an EnCase logical image (L01)", _FTK)),
    (0, b"LEF2\x0d\x0a\x81\0", Refused("an EnCase logical image (Lx01)", _FTK)),
    (0, b"AFF10\x0d\x0a\0", Refused("an AFF image", "convert it: affconvert -r IN")),
    (0, b"COWD", Refused("a VMware disk of the old kind (COWD)", _QEMU)),
    (0, b"WithoutFreeSpace", Refused("a Parallels disk", _QEMU)),
    (0, b"WithouFreSpacExt", Refused("a Parallels disk", _QEMU)),
    (0, b"QED\0", Refused("a QED disk", _QEMU)),
    (0, b"MSWIM\0\0\0", Refused("a Windows image (WIM)", _WIM)),
)
_BY_NAME = {
    ".dmg": Refused("an Apple disk image (DMG)", "convert it: dmg2img IN OUT"),
    ".aff4": Refused("an AFF4 image", "export it as raw or E01 with the tool that made it"),
    ".vdi": Refused("a VirtualBox disk (VDI)", _QEMU),
    ".ad1": Refused("an AccessData logical image (AD1)", _FTK),
    ".l01": Refused("an EnCase logical image (L01)", _FTK),
    ".lx01": Refused("an EnCase logical image (Lx01)", _FTK),
    ".s01": Refused("a SMART image (S01)", "convert it: ewfexport -f encase6 IN"),
    ".hdd": Refused("a Parallels disk", _QEMU),
    ".aff": Refused("an AFF image", "convert it: affconvert -r IN"),
    ".wim": Refused("a Windows image (WIM)", _WIM),
    ".gho": Refused("a Ghost image", _RESTORE),
    ".tib": Refused("an Acronis image", _RESTORE),
    ".tibx": Refused("an Acronis image", _RESTORE),
    ".mrimg": Refused("a Macrium image", _RESTORE),
    ".nrg": Refused("a Nero disc image", "convert it: nrg2iso IN OUT"),
}


def refused_format(name: str, head: bytes, tail: bytes = b"") -> Refused | None:
    """Which disk format that is not read a file has, by its first or last 512 bytes or else by its name."""
    lower = name.lower()
    if tail.startswith(b"koly"):
        return _BY_NAME[".dmg"]
    if lower.endswith(".aff4"):
        return _BY_NAME[".aff4"]
    for offset, mark, kind in _HEADS:
        if head.startswith(mark, offset):
            return kind
    return next((kind for suffix, kind in _BY_NAME.items() if lower.endswith(suffix)), None)
