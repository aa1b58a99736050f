"""Live events to many subscribers: one feed a process, in sequence order, and each subscriber at its own pace."""
