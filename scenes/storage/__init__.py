"""Atomic writes, cache keys and shards of generated data."""
