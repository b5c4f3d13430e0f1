"""Contents of disk images found in the evidence, with hashes and who ran what."""

from forensic_iso.browse import overview as queries
from tui.screens.page import Page, column
from tui.widgets.lines import Item, Lines, heading, item


class ImagesPage(Page):
    """Each image with its files."""

    TAB = "images"
    PLACES = ("lists",)

    def load(self) -> None:
        """List them."""
        case = self.desk.case
        found = queries.images(case)
        items: list[Item] = []
        for image in found:
            source = str(image["source_id"])
            where = image["windows_path"] or image["path"]
            items.append(
                Item(
                    (
                        (where, "head"),
                        (f"  {image['host'] or ''}", "link"),
                        (
                            f"  label {image['volume_label'] or '-'}, serial {image['volume_serial'] or '-'}",
                            "dim",
                        ),
                    ),
                    lambda w=str(where): self.desk.filter_text(
                        w.replace("/", "\\").rpartition("\\")[2]
                    ),
                    hang=2,
                )
            )
            items.append(item((f"   sha256 {image['sha256']}", "dim"), hang=10))
            for f in queries.image_files(case, source):
                name = str(f["path"] or f["name"] or "")
                items.append(
                    Item(
                        (
                            ("   ", ""),
                            (
                                column(
                                    "folder" if f["is_directory"] else f"{f['size_bytes'] or 0:,}",
                                    13,
                                ),
                                "dim",
                            ),
                            (name, "label" if f["is_directory"] else "value"),
                            ("  hidden" if f["hidden"] else "", "warn"),
                            (
                                f"  {str(f['recorded_utc'])[:19]}" if f["recorded_utc"] else "",
                                "dim",
                            ),
                        ),
                        lambda n=name: self.desk.filter_text(
                            n.replace("/", "\\").rpartition("\\")[2]
                        ),
                        hang=18,
                    )
                )
                if f["sha256"]:
                    items.append(item((f"{' ' * 16}sha256 {f['sha256']}", "dim"), hang=23))
                    items.append(
                        item(
                            (f"{' ' * 16}md5 {f['md5'] or '-'}  sha1 {f['sha1'] or '-'}", "dim"),
                            hang=20,
                        )
                    )
                if f["runs"]:
                    items.append(item((" " * 16, ""), (f"run: {f['runs']}", "bad"), hang=21))
        nothing = [heading("Images"), item((" no disk image was among the evidence", "dim"))]
        lines = self.query_one("#lines", Lines)
        lines.show(items or nothing)
        lines.focus()
        self.say(
            (f"{len(found)} images read; Enter shows where the timeline names the file", "bar")
        )
