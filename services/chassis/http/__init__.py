"""HTTP between processes: the client of calls, uploads and downloads, and the protocols of the server."""
