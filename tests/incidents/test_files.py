"""What an upload becomes: told by its content, photos drawn anew."""

import contextlib
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from homeroom.incidents.files import LARGEST_FILE, LARGEST_UPLOAD, LONGEST_SIDE, checked
from homeroom.web.errors import Refused
from tests.incidents.pictures import HEIC, PDF, PROGRAM, photo


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_becomes_a_jpeg_that_holds_nothing_but_the_picture(kind):
    found = checked("IMG_0001.HEIC", photo(kind=kind))

    assert (found.kind, found.name, found.content_type) == ("photo", "IMG_0001.jpg", "image/jpeg")
    for content in (found.content, found.thumbnail):
        picture = opened(content)
        assert (picture.format, dict(picture.getexif()), picture.info.get("comment")) == ("JPEG", {}, None)
        assert b"Ann" not in content
        assert b"Exif" not in content


def test_a_photo_taken_on_its_side_is_stored_upright():
    picture = opened(checked("x.jpg", photo(640, 480, turned=True)).content)
    assert picture.size == (480, 640)
    left, right = picture.getpixel((20, 320)), picture.getpixel((460, 320))
    assert left[0] > 200
    assert right[0] < 50


def test_a_large_photo_is_made_smaller_and_a_small_one_stays():
    assert opened(checked("x.jpg", photo(6000, 4000)).content).size == (LONGEST_SIDE, 1707)
    assert opened(checked("x.jpg", photo(100, 50)).content).size == (100, 50)


def test_what_is_transparent_becomes_white():
    written = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(written, "PNG")
    assert opened(checked("x.png", written.getvalue()).content).getpixel((20, 20)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it is huge."""
    small = io.BytesIO()
    Image.new("L", (8, 8)).save(small, "PNG")
    header = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + small.getvalue()[24:29]
    return small.getvalue()[:12] + header + zlib.crc32(header).to_bytes(4) + small.getvalue()[33:]


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused(side):
    with pytest.raises(Refused, match="60 megapixels"):
        checked("bomb.png", bomb(side, side))


def test_a_damaged_photo_is_refused():
    with pytest.raises(Refused, match="damaged"):
        checked("x.jpg", photo()[:900])


def test_a_heic_photo_is_refused_with_what_to_do():
    with pytest.raises(Refused, match="Most Compatible"):
        checked("IMG_1.HEIC", HEIC)


def test_pdf_and_plain_text_are_kept_as_they_are():
    assert checked("Letter.pdf", PDF).content == PDF
    assert checked("Letter.pdf", PDF).content_type == "application/pdf"
    text = checked("log.csv", "a;b\nzwölf\n".encode())
    assert (text.kind, text.content_type, text.suffix) == ("file", "text/plain; charset=utf-8", ".txt")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("photo.jpg", PROGRAM, "none of"),
        ("page.txt", b"\x00\x01", "none of"),
        ("empty.jpg", b"", "empty"),
        ("long.txt", b"x" * (LARGEST_FILE + 1), "larger than 10 MB"),
        ("long.jpg", b"x" * (LARGEST_UPLOAD + 1), "larger than 25 MB"),
    ],
    ids=["a program called photo", "bytes called text", "nothing", "a long text", "a long upload"],
)
def test_the_name_makes_no_difference_to_what_is_refused(name, content, why):
    with pytest.raises(Refused, match=why) as refused:
        checked(name, content)
    assert refused.value.field == "file"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\ann\\Letter.pdf", "Letter.pdf"),
        ('a"b\r\nX: y.pdf', 'a"bX: y.pdf'),
        ("", "file"),
        ("...", "file"),
        ("n" * 300 + ".pdf", "n" * 146 + ".pdf"),
    ],
)
def test_a_name_is_the_last_part_of_a_path_and_printable(name, kept):
    assert checked(name, PDF).name == kept


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF    WEBP"]),
)
def test_no_bytes_break_it(content, start):
    with contextlib.suppress(Refused):
        checked("x", start + content)
