"""Metrics, each with its exact definition and source."""
