"""How much a caller may cost in a while: counted by all gateways together, without a call to Redis per request."""
