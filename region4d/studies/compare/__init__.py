"""Comparisons of matched arms: runs, plan, and what a report gathers."""
