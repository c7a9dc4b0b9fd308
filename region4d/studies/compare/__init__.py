"""Comparisons of arms that differ in one thing: runs, plan, and the results for the report."""
