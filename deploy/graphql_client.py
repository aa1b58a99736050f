"""A small client of the gateway, for the host's commands."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from services.contracts.imports import OWNER_BY_KIND, UPLOAD_PREFIX

_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_read=150)
"""Timeout of an upload: the service sets the pace, and the gateway times out before this."""


class GraphQLClientError(Exception):
    """Failure of a request to the gateway; its text is for the person at the keyboard."""


class GraphQLClient:
    """Client of the gateway at ``url``, signed in once ``sign_in`` was called, for as long as the session lasts."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # The host's commands print English, so the gateway's messages have to be English too.
        headers = {"Accept-Language": "en"}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), headers=headers)
        self._refresh_token = ""
        self._refresh_at = math.inf
        """When to get the next tokens, by ``time.monotonic``: a large import lasts longer than an access token."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()

    async def execute(self, document: str, **variables: object) -> dict[str, Any]:
        """Return the data of an operation; raise GraphQLClientError with the messages if it had errors."""
        _, answer = await self._post("/graphql", json={"query": document, "variables": variables})
        if answer.get("errors"):
            raise GraphQLClientError(_messages(answer))
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(self, document: str, **variables: object) -> dict[str, Any]:
        """Return the one field of a mutation; raise GraphQLClientError with the messages of a Refusal or a Conflict."""
        (result,) = (await self.execute(document, **variables)).values()
        if result["__typename"] in ("Refusal", "Conflict"):
            raise GraphQLClientError("; ".join(problem["message"] for problem in result["problems"]))
        payload: dict[str, Any] = result
        return payload

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in as this user for all further requests."""
        self._use(await self.mutate(_SIGN_IN, input={"username": username, "password": password}))

    async def upload(self, kind: str, file: Path, name: str) -> str:
        """Upload a file of an export, streamed; return the import's id."""
        with file.open("rb") as stream:
            headers = {"Content-Type": "text/csv"}
            status, answer = await self._post(
                f"/files/{OWNER_BY_KIND[kind]}/{UPLOAD_PREFIX}{kind}",
                params={"name": name},
                headers=headers,
                data=stream,
                timeout=_UPLOAD_TIMEOUT,
            )
        if status != 201:
            raise GraphQLClientError(f"{name}: {_messages(answer)}")
        return str(answer["id"])

    async def _post(self, path: str, **given: Any) -> tuple[int, Any]:
        """Return the status and the JSON of a response; raise GraphQLClientError without one."""
        if time.monotonic() > self._refresh_at:
            self._refresh_at = math.inf
            self._use(await self.mutate(_REFRESH, input={"refreshToken": self._refresh_token}))
        try:
            async with self._session.post(f"{self.url}{path}", **given) as response:
                return response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise GraphQLClientError(f"{self.url} did not answer as a gateway does: {error!r}") from error

    def _use(self, session: Mapping[str, Any]) -> None:
        """Use the tokens of a session for all further requests."""
        self._session.headers["Authorization"] = f"Bearer {session['accessToken']}"
        self._refresh_token = session["refreshToken"]
        self._refresh_at = time.monotonic() + session["expiresIn"] / 2


def _messages(answer: Mapping[str, Any]) -> str:
    return "; ".join(error["message"] for error in answer["errors"])


_TOKENS = "__typename ... on SignedIn { accessToken refreshToken expiresIn } ... on Refusal { problems { message } }"
_SIGN_IN = f"mutation ($input: SignInInput!) {{ signIn(input: $input) {{ {_TOKENS} }} }}"
_REFRESH = f"mutation ($input: RefreshInput!) {{ refresh(input: $input) {{ {_TOKENS} }} }}"
