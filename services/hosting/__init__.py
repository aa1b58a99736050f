"""How a service's processes are put together: api, worker, relay and migrations."""
