"""Contents of disk images found in the evidence, with hashes and who ran what."""

from collections.abc import Callable

from forensic_iso.browse import overview as queries
from forensic_iso.browse.case import Record
from tui.commands import bindings
from tui.safe import Piece
from tui.screens.page import Page, column, number
from tui.widgets.lines import Item, Lines, heading, item

INDENT = " " * 16


class ImagesPage(Page):
    """Each image with its files."""

    TAB = "images"
    PLACES = ("lists", "find")
    BINDINGS = bindings("find")

    def load(self) -> None:
        """List them."""
        found = queries.images(self.desk.case)
        items: list[Item] = []
        for image in found:
            items += self._image(image)
            for file in queries.image_files(self.desk.case, str(image["source_id"])):
                items += self._file(file)
        nothing = [heading("Images"), item((" no disk image was among the evidence", "dim"))]
        lines = self.query_one("#lines", Lines)
        lines.show(items or nothing)
        lines.focus()
        self.say(
            (
                f"{number(len(found), 'image')} read; Enter shows where the timeline names the file",
                "bar",
            )
        )

    def _rows_that_name(self, path: str) -> Callable[[], None]:
        """Goes to the rows with a file's name."""
        name = path.replace("/", "\\").rpartition("\\")[2]
        return lambda: self.desk.filter_by("text", name, "~")

    def _image(self, image: Record) -> list[Item]:
        where = image["windows_path"] or image["path"]
        label, serial = image["volume_label"] or "-", image["volume_serial"] or "-"
        line: list[Piece] = [
            (where, "head"),
            (f"  {image['host'] or ''}", "link"),
            (f"  label {label}, serial {serial}", "dim"),
        ]
        return [
            Item(tuple(line), self._rows_that_name(str(where)), hang=2),
            item((f"   sha256 {image['sha256']}", "dim"), hang=10),
        ]

    def _file(self, file: Record) -> list[Item]:
        name, folder = str(file["path"] or file["name"] or ""), bool(file["is_directory"])
        line: list[Piece] = [
            ("   ", ""),
            (column("folder" if folder else f"{file['size_bytes'] or 0:,}", 13), "dim"),
            (name, "label" if folder else "value"),
            ("  hidden" if file["hidden"] else "", "warn"),
            (f"  {str(file['recorded_utc'])[:19]}" if file["recorded_utc"] else "", "dim"),
        ]
        out = [Item(tuple(line), self._rows_that_name(name), hang=18)]
        if file["sha256"]:
            hashes = f"{INDENT}md5 {file['md5'] or '-'}  sha1 {file['sha1'] or '-'}"
            out.append(item((f"{INDENT}sha256 {file['sha256']}", "dim"), hang=23))
            out.append(item((hashes, "dim"), hang=20))
        if file["runs"]:
            out.append(item((INDENT, ""), (f"run: {file['runs']}", "bad"), hang=21))
        return out
