"""Studies: a plan of each kind (compare, probe, lift), and the one machine that runs them all."""
