"""Asking a process whether it is ready."""

import http.client
from urllib.parse import urlsplit


def responds_ok(url: str, seconds: float = 2) -> bool:
    """Whether a GET of the URL gives 200 in time."""
    where = urlsplit(url)
    assert where.hostname
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=seconds)
    try:
        connection.request("GET", where.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
