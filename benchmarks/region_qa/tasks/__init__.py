"""Tasks: what is asked of a model, and how one answer is scored."""
