"""What may be kept with an incident, told by its content and never by its name. Pure: bytes in, bytes out.

A photo is drawn anew: where it was taken, by which telephone, and whatever else a file can hold besides the picture
is not kept. PDF and plain text are kept as they are and only ever downloaded. Nothing looks for viruses.
"""

import io
import re
from dataclasses import dataclass
from pathlib import PurePath

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from homeroom.incidents.models import Attachment
from homeroom.web.errors import Refused

MEGABYTE = 1 << 20
LARGEST_UPLOAD = 25 * MEGABYTE
LARGEST_FILE = 10 * MEGABYTE
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 2560
LONGEST_SIDE_OF_THUMBNAIL = 400
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_NAME = 150

# ISO base media: the size of the box, "ftyp", the brand. HEIC and AVIF photos and their kin.
_MODERN_PHOTO = re.compile(rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis)", re.DOTALL)
_PHOTO = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL)
_PDF = re.compile(rb"%PDF-\d")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is stored of an upload. `thumbnail` is empty where there is nothing to see."""

    kind: Attachment.Kind
    name: str
    suffix: str
    content_type: str
    content: bytes
    thumbnail: bytes = b""


def checked(name: str, content: bytes) -> Checked:
    """The photo or file that these bytes are; refused with what is wrong with them."""
    name = _plain_name(name)
    told = {"name": name}
    if not content:
        raise Refused(_("“%(name)s” is empty.") % told, field="file")
    if len(content) > LARGEST_UPLOAD:
        raise too_large(name, LARGEST_UPLOAD)
    if _MODERN_PHOTO.match(content):
        raise Refused(
            _(
                "“%(name)s” is a HEIC photo, which browsers don't show. Send it as JPEG: on an iPhone or iPad choose "
                "Settings > Camera > Formats > Most Compatible, or take the photo from within this page."
            )
            % told,
            field="file",
        )
    if _PHOTO.match(content):
        picture, thumbnail = _drawn_anew(name, content)
        stem = PurePath(name).stem or _("photo")
        return Checked(Attachment.Kind.PHOTO, f"{stem}.jpg", ".jpg", "image/jpeg", picture, thumbnail)
    return _file(name, content)


def too_large(name: str, most: int) -> Refused:
    told = {"name": _plain_name(name), "most": most // MEGABYTE}
    return Refused(_("“%(name)s” is larger than %(most)d MB.") % told, field="file")


def _file(name: str, content: bytes) -> Checked:
    if _PDF.search(content, 0, 1024):
        suffix, content_type = ".pdf", "application/pdf"
    elif _is_text(content):
        suffix, content_type = ".txt", "text/plain; charset=utf-8"
    else:
        raise Refused(
            _("“%(name)s” is none of JPEG, PNG or WebP photo, PDF and plain text.") % {"name": name},
            field="file",
        )
    if len(content) > LARGEST_FILE:
        raise too_large(name, LARGEST_FILE)
    return Checked(Attachment.Kind.FILE, name, suffix, content_type, content)


def _drawn_anew(name: str, content: bytes) -> tuple[bytes, bytes]:
    """The picture and its thumbnail, upright, as plain JPEG."""
    unreadable = Refused(_("“%(name)s” can't be read: the photo is damaged.") % {"name": name}, field="file")
    too_many = Refused(
        _("“%(name)s” has more than %(most)d megapixels.") % {"name": name, "most": MOST_PIXELS // 1_000_000},
        field="file",
    )
    try:
        with Image.open(io.BytesIO(content), formats=PHOTO_FORMATS) as stored:
            if stored.width * stored.height > MOST_PIXELS:
                raise too_many
            # Lets the decoder of JPEG leave out what would be scaled away: a quarter of the memory and time.
            stored.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(stored)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            picture = _on_white(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many from None
    # What a damaged file makes of a decoder is not told more exactly by Pillow.
    except (OSError, ValueError, SyntaxError, TypeError, ArithmeticError, LookupError):
        raise unreadable from None
    thumbnail = picture.copy()
    thumbnail.thumbnail((LONGEST_SIDE_OF_THUMBNAIL, LONGEST_SIDE_OF_THUMBNAIL))
    return _jpeg(picture, quality=85), _jpeg(thumbnail, quality=80)


def _on_white(image: Image.Image) -> Image.Image:
    """A new image of nothing but the pixels: the old one carries comments and profiles along."""
    plain = Image.new("RGB", image.size, "white")
    seen = image.convert("RGBA")
    plain.paste(seen, mask=seen.getchannel("A"))
    return plain


def _jpeg(image: Image.Image, *, quality: int) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality, optimize=True)
    return written.getvalue()


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return _NOT_TEXT.search(text) is None


def _plain_name(name: str) -> str:
    """The last part of a path, without what would confuse a header or a page."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    path = PurePath(plain or _("file"))
    return path.stem[: LONGEST_NAME - len(path.suffix[:20])] + path.suffix[:20]
