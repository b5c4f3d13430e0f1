"""Hashes of known streams, against vectors published for Sysmon events."""

import pytest

from parsers.stream_hashes import by_hash, known_zone, url_texts

VECTORS = [
    (3, "3\r\n", "FBCCF14D504B7B2DBCB5A5BDA75BD93B"),
    (3, "3\r\n", "D59FC84CDD5217C6CF74785703655F78DA6B582B"),
    (3, "3\r\n", "EACD09517CE90D34BA562171D15AC40D302F0E691B439F91BE1B6406E25F5913"),
    (3, "3", "4C086176B6DA95173A2C4408B0E88B00"),
    (3, "3", "D05CDF26C8DB306C6AC1DDBD32E11145DB8E7D51"),
    (3, "3", "1C08E59C322F01614F95C436AACF595C3BE02A018D86AD2138ADD375FE491EB1"),
    (4, "4\r\n", "99A6A6825DD0A3F5FAC7693376905212"),
    (0, "0\r\n", "EA06DF82DBA8CC567E95C43E6214872E52FDB05B"),
    (2, "2\r\n", "620F6EFB1FB55F99DB6154016C09054A07A086FA6AD3A62B735D402733524396"),
    (3, "3\r\nHostUrl=about:internet\r\n", "DCE5191790621B5E424478CA69C47F55"),
]


@pytest.mark.parametrize(("zone", "rest", "digest"), VECTORS)
def test_known_hash_gives_zone_and_text(zone: int, rest: str, digest: str) -> None:
    known = known_zone(digest)

    assert known is not None
    assert (known.zone_id, known.text) == (zone, f"[ZoneTransfer]\r\nZoneId={rest}")


def test_empty_stream_is_known_and_has_no_zone() -> None:
    known = known_zone("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    assert known is not None
    assert (known.zone_id, known.text) == (None, "")


def test_unknown_hash_proves_nothing() -> None:
    assert known_zone("0" * 64) is None


def test_streams_composed_of_known_urls_are_found_by_hash() -> None:
    streams = url_texts(3, "https://h/x.iso", "https://r/")

    known = by_hash(streams)

    assert len(known) == 3 * len(streams)
    assert any(s.text.startswith("[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=") for s in streams)
