"""Studies of lifting: methods, steps, plan, and what a report gathers."""
