"""The text of Zone.Identifier streams, as Windows, browsers and hostile writers leave it."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.zone_identifier import parse_zone_identifier, parse_zone_text

CHROME = (
    b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=https://mail.example/a?b=c\r\n"
    b"HostUrl=https://cdn.example/inv.iso?x=1&y=2\r\n"
)


def test_browser_stream_gives_zone_and_urls_with_equals_signs() -> None:
    zone = parse_zone_identifier(CHROME)

    assert (zone.zone_id, zone.zone_raw) == (3, "3")
    assert zone.host_url == "https://cdn.example/inv.iso?x=1&y=2"
    assert zone.referrer_url == "https://mail.example/a?b=c"
    assert zone.sha256 == hashlib.sha256(CHROME).hexdigest()
    assert (zone.remarks, zone.size_bytes, zone.encoding) == ((), len(CHROME), "utf-8")


def test_names_ignore_case_and_order_and_blanks_around_equals_are_dropped() -> None:
    zone = parse_zone_identifier(b"[zonetransfer]\nHOSTURL =  http://h/ \nzoneid = 4\n")

    assert (zone.zone_id, zone.host_url) == (4, "http://h/")


def test_first_key_and_first_section_win_and_the_rest_is_remarked() -> None:
    data = b"[ZoneTransfer]\r\nZoneId=3\r\nZoneId=0\r\n[ZoneTransfer]\r\nHostUrl=http://late/\r\n"
    zone = parse_zone_identifier(data)

    assert (zone.zone_id, zone.host_url) == (3, None)
    assert any("duplicate ZoneId" in r for r in zone.remarks)
    assert any("second section" in r for r in zone.remarks)


def test_text_without_a_section_is_read_and_flagged() -> None:
    zone = parse_zone_identifier(b"ZoneId=3\r\n")

    assert zone.zone_id == 3
    assert zone.remarks == ("no section [ZoneTransfer]",)


@pytest.mark.parametrize("raw", ["5", "-1", "1000", "three", "", "3x", "\u0663", "99999999999999"])
def test_zone_outside_0_to_4_is_unknown_and_never_zone_0(raw: str) -> None:
    zone = parse_zone_identifier(f"[ZoneTransfer]\r\nZoneId={raw}\r\n".encode())

    assert zone.zone_id is None
    assert zone.zone_raw == raw
    assert zone.remarks[0] == "marked, zone unknown"


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\r\n"])
def test_empty_stream_is_a_mark_of_unknown_zone(data: bytes) -> None:
    zone = parse_zone_identifier(data)

    assert zone.zone_id is None
    assert zone.remarks[:2] == ("marked, zone unknown", "stream is empty")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\xff\xfe" + CHROME.decode().encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + CHROME.decode().encode("utf-16-be"), "utf-16-be"),
        (CHROME.decode().encode("utf-16-le"), "utf-16-le"),
        (b"\xef\xbb\xbf" + CHROME, "utf-8-sig"),
        (CHROME + b"\0" * 40, "utf-8"),
    ],
)
def test_encodings_give_the_same_keys(data: bytes, encoding: str) -> None:
    zone = parse_zone_identifier(data)

    assert (zone.zone_id, zone.encoding) == (3, encoding)
    assert zone.host_url == "https://cdn.example/inv.iso?x=1&y=2"


def test_utf8_bom_is_remarked_because_windows_then_sees_no_section() -> None:
    zone = parse_zone_identifier(b"\xef\xbb\xbf[ZoneTransfer]\r\nZoneId=3\r\n")

    assert zone.remarks == ("UTF-8 BOM hides the section from Windows",)


def test_bytes_that_are_no_utf8_are_read_as_cp1252() -> None:
    zone = parse_zone_identifier(b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=C:\\M\xfcll\\\x81.zip")

    assert zone.referrer_url == "C:\\M\u00fcll\\\x81.zip"
    assert zone.encoding == "cp1252"


def test_bytes_behind_a_nul_are_remarked() -> None:
    zone = parse_zone_identifier(b"[ZoneTransfer]\r\nZoneId=3\r\n\0MZ hidden")

    assert zone.zone_id == 3
    assert any("from a NUL on" in r for r in zone.remarks)


def test_unknown_keys_are_kept_as_written() -> None:
    zone = parse_zone_identifier(b"[ZoneTransfer]\r\nZoneId=3\r\nAppZoneId=4\r\nFoo=Bar=1\r\n;x=y")

    assert zone.other_keys == (("Foo", "Bar=1"),)
    assert zone.app_zone_id == "4"


@pytest.mark.parametrize("gap", ["  ", " ", "\r\n", "\n\n", ""])
def test_text_flattened_by_a_log_is_cut_at_known_keys(gap: str) -> None:
    text = f"[ZoneTransfer]{gap}ZoneId=3{gap or ' '}ReferrerUrl=http://r/?a=b{gap or ' '}HostUrl=u"
    zone = parse_zone_text(text)

    assert (zone.zone_id, zone.referrer_url, zone.host_url) == (3, "http://r/?a=b", "u")
    assert zone.sha256 is None


def test_archive_path_with_a_key_in_its_name_is_not_cut() -> None:
    zone = parse_zone_identifier(
        b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=C:\\a ZoneId=0.zip\r\n"
    )

    assert (zone.zone_id, zone.referrer_url) == (3, "C:\\a ZoneId=0.zip")


def test_remarks_and_keys_of_a_hostile_stream_are_bounded() -> None:
    zone = parse_zone_identifier(b"[ZoneTransfer]\n" + b"a\n" * 2000)

    assert len(zone.remarks) <= 33


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=20), st.integers(0, len(CHROME)))
def test_no_bytes_raise(noise: bytes, insert: bytes, at: int) -> None:
    for data in (noise, CHROME[:at] + insert + CHROME[at:]):
        zone = parse_zone_identifier(data)
        assert zone.zone_id is None or 0 <= zone.zone_id <= 4
        zone.text.encode()
