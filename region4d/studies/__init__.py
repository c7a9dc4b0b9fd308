"""Studies: what is run, gathered and reported."""
