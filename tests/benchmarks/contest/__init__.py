"""Contest of the gateway with other servers of the same graph: equal responses, one core each, CPU a request."""
