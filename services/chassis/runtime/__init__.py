"""Runtime of a process: settings, clock, deadlines, health, garbage collection."""
