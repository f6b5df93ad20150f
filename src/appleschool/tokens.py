"""The access token: asked for once however many need it, kept, and renewed in time."""

import asyncio

from yarl import URL

from appleschool.answers import OK, Answer, token_error
from appleschool.clock import Clock
from appleschool.errors import AppleError, GarbledAnswer
from appleschool.keys import Credentials
from appleschool.sending import Sender

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
USUAL_LIFETIME = 3600
RENEW_BEFORE_EXPIRY = 300.0


class Tokens:
    """One account's token. It is never shown: neither by `repr` nor in an error."""

    def __init__(
        self, credentials: Credentials, sender: Sender, *, url: URL, scope: str, audience: str, clock: Clock
    ) -> None:
        self._credentials = credentials
        self._sender = sender
        self._url = url
        self._scope = scope
        self._audience = audience
        self._clock = clock
        self.granted_scope = ""
        self._token = ""
        self._good_until = 0.0
        self._renewals = 0
        self._failure: AppleError | None = None
        self._renewing = asyncio.Lock()

    async def current(self) -> str:
        """A token that is good for a while. Who waits for a renewal shares its outcome, failure included."""
        if self._clock.monotonic() < self._good_until:
            return self._token
        renewals = self._renewals
        async with self._renewing:
            if self._renewals != renewals and self._failure is not None:
                raise self._failure
            if self._clock.monotonic() >= self._good_until:
                await self._renew()
            return self._token

    def drop(self, token: str) -> None:
        """Apple refused this token. If a newer one is there already, that one stays."""
        if self._token == token:
            self._good_until = 0.0

    async def _renew(self) -> None:
        self._failure = None
        try:
            self._keep(await self._ask())
        except AppleError as error:
            self._failure = error
            raise
        finally:
            self._renewals += 1

    async def _ask(self) -> Answer:
        retries = self._sender.retries(cuts_rate=False)
        while True:
            try:
                answer = await self._sender.send("POST", self._url, retries, form=self._form())
                if answer.status == OK:
                    return answer
                raise token_error(answer)
            except AppleError as error:
                await retries.wait_after(error)

    def _form(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.assertion(self._clock.time(), audience=self._audience),
            "scope": self._scope,
        }

    def _keep(self, answer: Answer) -> None:
        document = answer.json()
        token, lifetime = document.get("access_token"), document.get("expires_in")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise GarbledAnswer("Apple's token endpoint gave no usable token.", request_id=answer.request_id)
        if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or lifetime <= 0:
            lifetime = USUAL_LIFETIME
        scope = document.get("scope")
        self.granted_scope = scope[:200] if isinstance(scope, str) else ""
        self._token = token
        self._good_until = self._clock.monotonic() + max(lifetime - RENEW_BEFORE_EXPIRY, lifetime / 2)
