"""Questions about regions: tasks, parser, scores, reports."""
