"""Every service does what its OpenAPI document says, whatever it is asked."""
