"""A client of HTTP/1.1 (RFC 9112) between processes: from bytes to bytes, a keep-alive connection a request.

An ``Origin`` is the way to one server. It makes no task for a request and keeps one timer a connection, so a small
request costs a fraction of what a client for the open web takes. There are no redirects, cookies, proxies, TLS or
compression: both ends are ours.
"""
