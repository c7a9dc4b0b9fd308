"""The report of a lifting study."""
