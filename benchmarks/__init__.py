"""Figures of the bars in the design, each from one command: python -m benchmarks NAME."""
