"""How Kierto is put on a machine: the `kierto` command, and the embedded stack behind `make up`."""
