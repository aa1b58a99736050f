"""HTTP server: uvicorn's protocols with limits, endpoints without ASGI, checks of hosts and addresses."""
