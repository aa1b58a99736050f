"""A server with scripted responses, byte for byte, in a thread of its own."""

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator

Respond = Callable[[int], bytes]
RespondTo = Callable[[bytes], bytes]


def response_of(body: bytes, status: int = 200) -> bytes:
    """Build a response with its length."""
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@contextlib.contextmanager
def scripted_server(respond: Respond) -> Iterator[int]:
    """Run a server that responds to the n-th request of all connections with ``respond(n)``; yield its port."""
    numbers = iter(range(10**9))
    with request_server(lambda _: respond(next(numbers))) as port:
        yield port


@contextlib.contextmanager
def request_server(respond: RespondTo) -> Iterator[int]:
    """Run a server that responds to each request, head and body, with ``respond(request)``; yield its port."""
    lock = threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                while request := self._read_request():
                    with lock:
                        self.wfile.write(respond(request))

        def _read_request(self) -> bytes:
            length, head = 0, b""
            while (line := self.rfile.readline()).strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                head += line
            body = self.rfile.read(length)
            return head + line + body if body and len(body) == length else b""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
