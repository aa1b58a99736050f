"""The gateway with stubs of its services."""
