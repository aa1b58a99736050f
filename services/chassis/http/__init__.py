"""HTTP between processes: the client of calls and downloads, and the server that uvicorn runs."""
