"""The contestants' sources. Each is told by the gateway's own settings where to listen and where the services are."""
