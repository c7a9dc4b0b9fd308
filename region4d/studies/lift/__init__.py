"""Lifting studies: methods, steps, plan, and the records for the report."""
