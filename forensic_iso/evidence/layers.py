"""Opens files that lie in a tar archive or on a volume of a disk image, in any process."""

from typing import BinaryIO

from forensic_iso.evidence.found import TAR, Found
from forensic_iso.evidence.zips import BadArchive


def open_layer(found: Found) -> BinaryIO:
    """A fresh seekable read-only stream over a file in a container that is no ZIP.

    Raises:
        OSError: the container is gone or cannot be read.
        BadArchive: the container changed, or the file is not to be opened.
    """
    from parsers.disks import DiskRefused
    from parsers.volumes import VolumeRefused

    try:
        if found.kind == TAR:
            from forensic_iso.evidence.tars import open_in_tar

            return open_in_tar(found)
        from forensic_iso.evidence.volume import open_on_volume

        return open_on_volume(found)
    except (DiskRefused, VolumeRefused) as error:
        raise BadArchive(error.code, error.expected, error.found) from error


def forget_layers() -> None:
    """Drop the images and archives that this process holds open."""
    from forensic_iso.evidence import image, tars, volume

    image.opened_disk.cache_clear()
    image.names_beside.cache_clear()
    volume.opened_volume.cache_clear()
    tars.opened_tar.cache_clear()
    tars.member_sizes.cache_clear()
