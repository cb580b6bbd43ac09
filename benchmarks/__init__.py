"""Benchmarks: how fast, how much memory, how it grows; run by `make bench`, figures in README.md."""
