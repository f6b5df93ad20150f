"""Files that a mail brings: read when it is sent, so that the outbox holds none, and only as large as is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it is kept, and what the recipient gets it as."""

    name: str
    path: Path
    content_type: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What becomes of a mail's attachments. One that is gone by now is in neither."""

    attached: Mapping[Attachment, bytes] = field(default_factory=dict)
    too_large: Sequence[Attachment] = field(default=())


def brought(attachments: Iterable[Attachment]) -> Brought:
    """Which of them are attached, with their content: together no larger than allowed."""
    left = settings.CONFIGURATION.report_attachment_mb * MEGABYTE
    attached, too_large = {}, []
    for attachment in attachments:
        with suppress(FileNotFoundError), attachment.path.open("rb") as file:
            content = file.read(left + 1)
            if len(content) <= left:
                left -= len(content)
                attached[attachment] = content
            else:
                too_large.append(attachment)
    return Brought(attached, too_large)


def attach(message: EmailMessage, attachment: Attachment, content: bytes) -> None:
    """Byte for byte: as text, mail would change its line ends."""
    kind, _slash, rest = attachment.content_type.partition("/")
    subtype, _semicolon, parameters = rest.partition(";")
    part = MIMEBase(kind, subtype.strip())
    if charset := parameters.partition("charset=")[2]:
        part.set_param("charset", charset.strip())
    part.set_payload(content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=attachment.name)
    message.attach(part)
