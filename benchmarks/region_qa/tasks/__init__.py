"""Tasks: what is asked of a model."""
