"""Probe studies: jobs, plan, viewer, and what a report gathers."""
