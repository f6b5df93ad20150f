"""What a mail server's refusal means: for a person, and for what becomes of the mail. Asks nobody."""

import smtplib
import socket
import ssl
from dataclasses import dataclass

from django.utils.translation import gettext as _

LONGEST_ANSWER = 300
PERMANENT = 500
SHUTTING_DOWN, SIGN_IN_FIRST, TOO_LARGE = 421, 530, 552


@dataclass(frozen=True, slots=True)
class Finding:
    """`of_server`: no mail gets through before it is put right, so all wait. `is_final`: this mail never will."""

    detail: str
    fix: str
    of_server: bool = True
    is_final: bool = False

    def __str__(self) -> str:
        return f"{self.detail} {self.fix}".strip()


def of_error(error: Exception) -> Finding:
    match error:
        case smtplib.SMTPException():
            return _of_smtp(error)
        case ssl.SSLError():
            return _of_tls(error)
        case OSError():
            return _of_silent_line(error)
        case _:
            sentence = _("The mail can't be sent as it is: %(error)s.")
            return Finding(sentence % {"error": error}, "", of_server=False, is_final=True)


def of_silence() -> Finding:
    return Finding(
        _("The mail server did not answer in time."),
        _("Check its name and port in HOMEROOM_EMAIL_URL, and whether a firewall lets this server reach it."),
    )


def _of_silent_line(error: OSError) -> Finding:
    match error:
        case socket.gaierror():
            return Finding(
                _("The mail server's name can't be found."), _("Check its spelling in HOMEROOM_EMAIL_URL.")
            )
        case ConnectionRefusedError():
            return Finding(
                _("The mail server refuses the connection."),
                _("Check its name and port in HOMEROOM_EMAIL_URL, and whether it is running."),
            )
        case TimeoutError():
            return of_silence()
        case _:
            sentence = _("The mail server can't be reached: %(error)s.")
            return Finding(sentence % {"error": error.strerror or error}, "")


def _of_smtp(error: smtplib.SMTPException) -> Finding:
    match error:
        case smtplib.SMTPAuthenticationError():
            return Finding(
                _("The mail server refuses user and password: %(answer)s") % {"answer": _answer(error)},
                _("Put the right ones into HOMEROOM_EMAIL_URL, special characters percent-encoded."),
            )
        case smtplib.SMTPRecipientsRefused() | smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return _of_refusal(error)
        case smtplib.SMTPNotSupportedError():
            return Finding(
                _("The mail server can't do what is asked of it: %(error)s") % {"error": error},
                _("Choose smtp://, smtp+tls:// or smtp+ssl:// in HOMEROOM_EMAIL_URL as the server wants it."),
            )
        case smtplib.SMTPServerDisconnected():
            if isinstance(error.__context__, TimeoutError):  # smtplib calls silence a closed connection
                return of_silence()
            return Finding(
                _("The mail server closed the connection."),
                _(
                    "If it does so each time: ports for smtp+tls:// (587) and smtp+ssl:// (465) are different."
                ),
            )
        case _:
            return Finding(_("The mail server can't be spoken to: %(error)s") % {"error": error}, "")


def _of_refusal(
    error: smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused | smtplib.SMTPDataError,
) -> Finding:
    """Of the recipient, of the mail, or of the sender, who is the same for every mail."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            return _of_refused_mail(
                _("The mail server refuses the recipient: %(answer)s"), code, f"{code} {_words(text)}"
            )
        case smtplib.SMTPSenderRefused() if error.smtp_code != TOO_LARGE:
            return Finding(
                _("The mail server refuses the sender %(sender)s: %(answer)s")
                % {"sender": error.sender, "answer": _answer(error)},
                _("Set HOMEROOM_EMAIL_FROM to an address that it lets you send from."),
            )
        case _:
            sentence = _("The mail server refuses the mail: %(answer)s")
            return _of_refused_mail(sentence, error.smtp_code, _answer(error))


def _of_refused_mail(sentence: str, code: int, answer: str) -> Finding:
    of_server = code in {SHUTTING_DOWN, SIGN_IN_FIRST}
    return Finding(
        sentence % {"answer": answer},
        "",
        of_server=of_server,
        is_final=code >= PERMANENT and not of_server,
    )


def _of_tls(error: ssl.SSLError) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Finding(
            _("The mail server's certificate is not trusted: %(why)s.") % {"why": error.verify_message},
            _("Use the name that its certificate is made out to, and a certificate that this server trusts."),
        )
    return Finding(
        _("No encrypted connection to the mail server comes about."),
        _(
            "smtp+ssl:// (port 465) begins encrypted, smtp+tls:// (port 587) switches to it; choose the server's."
        ),
    )


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_words(error.smtp_error)}"


def _words(text: bytes | str) -> str:
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(decoded.split())[:LONGEST_ANSWER]
