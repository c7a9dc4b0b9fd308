"""Making region-level questions of questions about videos."""
