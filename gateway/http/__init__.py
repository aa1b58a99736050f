"""The gateway's resources over HTTP and WebSocket."""
