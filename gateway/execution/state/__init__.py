"""The state of a running execution: the response under construction and the steps that were dispatched."""
