"""The `kierto` command, and the embedded stack behind `make up`."""
