"""The benchmarks' own parts, where they could be wrong."""
