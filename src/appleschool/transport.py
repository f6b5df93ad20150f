"""Getting JSON from the API: with a good token, from the configured address only."""

import asyncio
from typing import Any

from yarl import URL

from appleschool.answers import OK, api_error
from appleschool.errors import AppleError, ForeignLink, NotAuthorized
from appleschool.sending import Sender
from appleschool.tokens import Tokens


class Transport:
    """The API below one address, as one account sees it."""

    def __init__(self, api_url: URL, sender: Sender, tokens: Tokens, *, concurrency: int) -> None:
        self._server = _server(api_url)
        self._prefix = str(api_url).rstrip("/")
        self._root = api_url.path.rstrip("/") + "/"
        self._sender = sender
        self._tokens = tokens
        self._slots = asyncio.Semaphore(concurrency)

    async def get(self, path: str, *, on_cursor: bool = False) -> dict[str, Any]:
        """The JSON object at a path below the API's address, or at a link that an answer gave.

        `path` is sent as it is, so it is quoted already.
        """
        url = URL(self._prefix + path, encoded=True) if path.startswith("/") else self.own_link(path)
        async with self._slots:
            return await self._get(url, on_cursor=on_cursor)

    def own_link(self, link: str) -> URL:
        """A link from an answer, if it leads below the configured address; the token goes nowhere else."""
        try:
            url = URL(link, encoded=True)
            own = _server(url) == self._server and url.user is None and url.path.startswith(self._root)
        except ValueError:
            own = False
        # Blanks and line ends would end up in the request as they are.
        if not own or not link.isascii() or not link.isprintable() or " " in link:
            raise ForeignLink("Apple's answer links to another address; the link was not followed.")
        return url

    async def _get(self, url: URL, *, on_cursor: bool) -> dict[str, Any]:
        retries = self._sender.retries()
        renewed = False
        while True:
            token = await self._tokens.current()
            try:
                answer = await self._sender.send(
                    "GET", url, retries, headers={"Authorization": f"Bearer {token}"}
                )
                if answer.status == OK:
                    document = answer.json()
                    self._sender.pace.allowed()
                    return document
                raise api_error(answer, on_cursor=on_cursor)
            except NotAuthorized:
                if renewed:
                    raise
                renewed = True
                self._tokens.drop(token)
            except AppleError as error:
                await retries.wait_after(error)


def _server(url: URL) -> tuple[str, str, int | None]:
    return url.scheme.lower(), (url.host or "").lower(), url.port
