"""What prints the figures of the README; each module is one benchmark: `python -m benchmarks.NAME --json`."""
