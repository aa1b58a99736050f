"""RPC between processes, derived from one Protocol: the server's routes, the client, the OpenAPI document."""
