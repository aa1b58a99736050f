"""What `kierto` can do. Each command imports what is heavy only when it runs, so that help comes at once."""
