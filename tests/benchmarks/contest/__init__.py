"""The gateway against other servers of the same graph: the same answers, one core each, CPU a request."""
