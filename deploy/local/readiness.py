"""Readiness check over HTTP."""

import http.client
from urllib.parse import urlsplit


def responds_ok(url: str, seconds: float = 2) -> bool:
    """Tell whether a GET of the URL returns 200 in time."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
