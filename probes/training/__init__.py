"""Training of one probe, and of many at once."""
