"""A small client of the gateway, for the host's commands."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_read=150)
"""Of an upload: it goes no faster than the service takes it in, and the gateway gives up sooner than this."""


class GraphQLClientError(Exception):
    """The gateway refused or could not be reached; its text is for the person at the keyboard."""


class GraphQLClient:
    """The gateway at ``url``, as a signed-in user once ``sign_in`` was called."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # The host's commands speak English, and so does what they are told.
        headers = {"Accept-Language": "en"}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()

    async def execute(self, document: str, **variables: object) -> dict[str, Any]:
        """The data of an operation; GraphProblem with the messages if it had errors."""
        body = {"query": document, "variables": variables}
        try:
            async with self._session.post(f"{self.url}/graphql", json=body) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, ValueError) as error:
            raise GraphQLClientError(f"{self.url} did not answer as a gateway does: {error}") from error
        if answer.get("errors"):
            raise GraphQLClientError("; ".join(error["message"] for error in answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(self, document: str, **variables: object) -> dict[str, Any]:
        """The one field of a mutation whose result may be a Refusal; GraphProblem with its messages if it is."""
        (result,) = (await self.execute(document, **variables)).values()
        if result["__typename"] == "Refusal":
            raise GraphQLClientError("; ".join(problem["message"] for problem in result["problems"]))
        found: dict[str, Any] = result
        return found

    async def sign_in(self, username: str, password: str) -> None:
        """Go on as this user."""
        session = await self.mutate(_SIGN_IN, input={"username": username, "password": password})
        self._session.headers["Authorization"] = f"Bearer {session['accessToken']}"

    async def upload(self, kind: str, file: Path, name: str) -> str:
        """Stage a file of an export, streamed; the import's id."""
        with file.open("rb") as stream:
            address = f"{self.url}/imports/{kind}"
            headers = {"Content-Type": "text/csv"}
            asked = self._session.post(
                address, params={"name": name}, headers=headers, data=stream, timeout=_UPLOAD_TIMEOUT
            )
            async with asked as response:
                answer = await response.json(content_type=None)
                if response.status != 201:
                    raise GraphQLClientError(f"{name}: {'; '.join(error['message'] for error in answer['errors'])}")
        return str(answer["id"])


_SIGN_IN = """
    mutation ($input: SignInInput!) {
      signIn(input: $input) { __typename ... on SignedIn { accessToken } ... on Refusal { problems { message } } }
    }
"""
