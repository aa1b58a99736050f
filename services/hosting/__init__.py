"""The processes of a service: api, worker, relay and migrate."""
