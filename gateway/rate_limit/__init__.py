"""Rate limits of callers, shared by all gateways without a call to Redis per request."""
