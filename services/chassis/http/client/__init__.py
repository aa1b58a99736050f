"""HTTP/1.1 client (RFC 9112) between processes, from bytes to bytes over pooled keep-alive connections.

An ``Origin`` is one server. It creates no task a request and one timer a connection, so a small request takes a
fraction of the time of a general client. It has no redirects, cookies, proxies, TLS or compression: both ends are ours.
"""
