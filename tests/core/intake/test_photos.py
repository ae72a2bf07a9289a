"""What is kept of a photo: the picture and nothing that lies beside, between or behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.intake.rules import PhotoRefused, bare_jpeg


def segment(marker, content=b""):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


SOI, EOI = b"\xff\xd8", b"\xff\xd9"
TABLE, FRAME, HUFFMAN = segment(0xDB, b"quant"), segment(0xC2, b"frame"), segment(0xC4, b"codes")
SCAN = segment(0xDA, b"\x01") + b"grey \xff\x00 stuffed \xff\xd3 restarted"
PLAIN = SOI + TABLE + FRAME + HUFFMAN + SCAN + HUFFMAN + SCAN + EOI
PLACE, WORDS = segment(0xE1, b"Exif GPS"), segment(0xFE, b"taken by")


def test_a_picture_stays_as_it_is():
    assert bare_jpeg(PLAIN) == PLAIN


def test_what_the_camera_wrote_is_taken_out_also_between_two_scans():
    thumbnail = segment(0xE0, b"JFXX" + PLAIN)
    written = SOI + thumbnail + PLACE + WORDS + TABLE + FRAME + HUFFMAN + SCAN + PLACE + HUFFMAN + WORDS + SCAN + EOI
    assert bare_jpeg(written) == PLAIN


@pytest.mark.parametrize("behind", [b"<script>alert(1)</script>", b"PK\x03\x04 an archive", PLAIN, PLACE])
def test_nothing_is_kept_behind_the_picture(behind):
    assert bare_jpeg(PLAIN + behind + EOI) == PLAIN


@pytest.mark.parametrize(
    "data",
    [b"", SOI, SOI + EOI, PLAIN[:-2], b"GIF89a" + PLAIN, b"\x89PNG" + EOI, SOI + TABLE + b"\xff\xdb\x00\x01" + EOI, SOI + b"<html>" + EOI],
)  # fmt: skip
def test_what_is_no_whole_picture_is_refused(data):
    with pytest.raises(PhotoRefused):
        bare_jpeg(data)


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_or_kept_without_growing(data):
    for whole in (data, SOI + data + EOI, PLAIN[:40] + data + EOI):
        try:
            kept = bare_jpeg(whole)
        except PhotoRefused:
            continue
        assert len(kept) <= len(whole) and bare_jpeg(kept) == kept
