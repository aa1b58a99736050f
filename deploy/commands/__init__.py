"""The commands of `kierto`. Each imports its heavy modules only when it runs, so that help comes at once."""
