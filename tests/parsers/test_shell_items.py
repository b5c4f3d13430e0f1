import struct
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.shell_items import MAX_ITEMS, mft_entry, mft_sequence, parse_id_list, spell
from tests.builders.lnk_parts import MY_COMPUTER, drive_item, file_item
from tests.builders.shell_items import END, UNKNOWN, id_list, network_item, on_drive, uri_item

AT = datetime(2024, 1, 6, 5, 35, 16, tzinfo=UTC)
FILE = file_item("Shipping documents.iso", created=AT, reference=5 << 48 | 4242)


def test_a_path_on_a_drive_is_spelled_with_long_names():
    shell = parse_id_list(on_drive("E", file_item("Folder", folder=True), FILE))

    assert shell.path == r"E:\Folder\Shipping documents.iso"
    assert shell.complete
    assert [item.kind for item in shell.items] == ["root", "volume", "folder", "file"]


def test_a_file_entry_has_its_times_and_file_reference():
    last = parse_id_list(id_list(FILE)).last

    assert last is not None
    assert last.modified == last.created == last.accessed == int(AT.timestamp())
    assert (mft_entry(last), mft_sequence(last)) == (4242, 5)


def test_the_drive_alone_keeps_its_backslash_and_this_pc_is_empty():
    assert parse_id_list(id_list(drive_item("E:\\"))).path == "E:\\"
    assert parse_id_list(id_list(MY_COMPUTER)).path == ""


def test_network_and_addresses_are_spelled():
    assert parse_id_list(id_list(network_item(r"\\fs01\public"))).path == r"\\fs01\public"
    assert parse_id_list(id_list(uri_item("https://a.example/x"))).path == "https://a.example/x"


def test_an_unknown_item_shows_its_type_and_the_rest_goes_on():
    shell = parse_id_list(id_list(drive_item("E:\\"), UNKNOWN, file_item("a.txt")))

    assert shell.path == r"E:\[type 0x52]\a.txt"


def test_other_roots_show_their_guid():
    guid = bytes.fromhex("eb468d4a09b5114b8f4de9ef5f1fe4f7")
    shell = parse_id_list(id_list(struct.pack("<HBB", 20, 0x1F, 0x50) + guid))

    assert shell.path == "::{4a8d46eb-b509-4b11-8f4d-e9ef5f1fe4f7}"


def test_a_list_without_its_end_is_not_complete():
    assert not parse_id_list(on_drive("E", FILE)[:-2]).complete
    assert not parse_id_list(on_drive("E", FILE)[:-9]).complete
    assert not parse_id_list(b"").complete
    assert parse_id_list(END).complete
    assert parse_id_list(END).path is None


def test_items_and_lengths_have_their_limits():
    many = parse_id_list(file_item("a") * 1000 + END)
    long = parse_id_list(id_list(file_item("x" * 3000)))

    assert (len(many.items), many.complete) == (MAX_ITEMS, False)
    assert long.path == "[type 0x32]"
    assert spell(parse_id_list(id_list(*[file_item("y" * 2000)] * 20)).items) is None


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=80),
    st.lists(st.tuples(st.integers(0, 220), st.binary(min_size=1, max_size=4)), max_size=6),
)
def test_any_bytes_give_a_path(tail, changes):
    data = bytearray(on_drive("E", UNKNOWN, FILE) + tail)
    for at, content in changes:
        data[at : at + len(content)] = content

    shell = parse_id_list(bytes(data))

    assert (shell.path is None) == (not shell.items)
    assert all(item.text is not None for item in shell.items)
