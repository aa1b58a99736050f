"""What the gateway answers over HTTP and WebSocket."""
