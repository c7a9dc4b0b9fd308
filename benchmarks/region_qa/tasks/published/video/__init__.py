"""Questions about videos."""
