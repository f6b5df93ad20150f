"""Pictures as telephones make them, and other bytes."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PROGRAM = b"\x7fELF\x02\x01\x01\x00" + bytes(range(256))
ORIENTATION, MAKE, GPS, DATE = 0x0112, 0x010F, 0x8825, 0x0132


def photo(width: int = 640, height: int = 480, *, kind: str = "JPEG", turned: bool = False) -> bytes:
    """A picture, black above and white below, as a telephone sees it; with its maker and where it was taken."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("black", (0, 0, width, height // 2))
    exif = Image.Exif()
    exif[MAKE] = "Telephone of Ann"
    exif[DATE] = "2026:03:01 10:00:00"
    exif.get_ifd(GPS).update({1: "N", 2: (47.0, 37.0, 12.0), 3: "W", 4: (122.0, 19.0, 45.0)})
    if turned:
        exif[ORIENTATION] = 6  # to be turned a quarter clockwise
    written = io.BytesIO()
    more = {"comment": b"Ann's comment"} if kind == "JPEG" else {}
    image.save(written, kind, exif=exif, **more)
    return written.getvalue()


def upload(name: str = "crack.jpg", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, photo() if content is None else content)
