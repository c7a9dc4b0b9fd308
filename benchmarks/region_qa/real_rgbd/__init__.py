"""Questions about a real RGB-D room."""
