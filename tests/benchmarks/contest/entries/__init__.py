"""The contestants' sources. Each reads its address and those of the services from the gateway's settings."""
