"""Estimates, paired differences and table cells, the same for every study."""
