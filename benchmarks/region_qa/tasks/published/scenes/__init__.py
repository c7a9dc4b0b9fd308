"""Questions about, and descriptions of, scanned rooms."""
