"""What can go wrong with Apple, and what to do about it.

AppleError
├── PrivateKeyError        the key can't be used; nothing was sent
├── InvalidClient          Apple refuses the credentials (token endpoint)
├── NotAuthorized          a fresh token is refused (401)
├── Forbidden              the account lacks the right (403)
├── RequestError           Apple finds the request wrong (other 4xx)
│   ├── NotFound           there is no such thing (404)
│   └── StaleCursor        the page is no longer known (400 on a cursor): begin the list again
├── RateLimited            told to slow down for longer than we are willing to wait (429)
├── ServerError            Apple failed (5xx), again and again
├── Unreachable            no connection, or it broke, again and again
└── ProtocolError          an answer that is not Apple's API
    ├── GarbledAnswer      not JSON, or not a JSON object, again and again
    └── ForeignLink        a link or redirect to another host; it was not followed

Every error has a sentence (`str`), a `fix`, and where Apple answered: `status`, `code`, `request_id`
(X-Apple-Request-UUID). None of them ever holds a key, a token, or the body of a token answer.
"""

# ruff: noqa: N818 - the names say what happened
from enum import StrEnum


class AppleError(Exception):
    """Something between us and Apple went wrong."""

    default_fix = "Try again later."
    concerns_one_request = True
    """Whether another request may well succeed; False where the account as a whole is refused."""

    def __init__(
        self,
        sentence: str,
        *,
        fix: str = "",
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix or self.default_fix
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class KeyProblem(StrEnum):
    EMPTY = "empty"
    NO_BEGIN_LINE = "no-begin-line"
    TRUNCATED = "truncated"
    PUBLIC_KEY = "public-key"
    CERTIFICATE = "certificate"
    ENCRYPTED = "encrypted"
    RSA = "rsa"
    OTHER_CURVE = "other-curve"
    OTHER_KIND = "other-kind"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    NOT_TEXT = "not-text"
    DAMAGED = "damaged"


class PrivateKeyError(AppleError):
    """A text that is not a usable private key; `problem` says which way."""

    concerns_one_request = False
    default_fix = "Choose the .pem file that Apple let you download when the key was made."

    def __init__(self, problem: KeyProblem, sentence: str, *, fix: str = "") -> None:
        super().__init__(sentence, fix=fix)
        self.problem = problem


class InvalidClient(AppleError):
    concerns_one_request = False
    default_fix = (
        "Compare the Client ID and the Key ID with those in Apple School Manager under Settings > API. See "
        "that the private key belongs to that Key ID and was not revoked, and that this server's clock is "
        "right. "
        "If nothing was changed, wait a few minutes: Apple says the same to too many sign-ins."
    )


class NotAuthorized(AppleError):
    concerns_one_request = False
    default_fix = "The key may have just been revoked. Test the configuration."


class Forbidden(AppleError):
    concerns_one_request = False
    default_fix = "Give the API account a role that may read devices in Apple School Manager."


class RequestError(AppleError):
    default_fix = "Report this: Apple's API may have changed."


class NotFound(RequestError):
    default_fix = "Check the serial number."


class StaleCursor(RequestError):
    default_fix = "Begin the list again from its first page."


class RateLimited(AppleError):
    concerns_one_request = False
    default_fix = "Wait, or lower the ceiling of requests a second."


class ServerError(AppleError):
    default_fix = "Apple has trouble; try again later."


class Unreachable(AppleError):
    default_fix = "Check this server's network, name resolution and firewall."


class ProtocolError(AppleError):
    default_fix = "Check the configured address of Apple's API, and any proxy between."


class GarbledAnswer(ProtocolError):
    concerns_one_request = True


class ForeignLink(ProtocolError):
    concerns_one_request = False
    default_fix = "Check the configured address of Apple's API; a proxy may be rewriting answers."
