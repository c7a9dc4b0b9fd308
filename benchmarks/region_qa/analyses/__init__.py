"""Analyses beyond accuracy: crossed factors, scaled timestamps, linear probes."""
