"""The server side of HTTP: connections with limits, endpoints without ASGI, host and address checks."""
