"""Measures fastact against whichever libraries are installed: ``python -m benchmarks``."""
