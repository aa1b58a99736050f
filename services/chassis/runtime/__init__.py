"""A process's surroundings: settings, clock, deadlines, health, garbage collection."""
