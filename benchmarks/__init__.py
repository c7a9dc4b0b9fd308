"""Tasks, metrics, statistics and reports: how models are measured."""
