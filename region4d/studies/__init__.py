"""Studies: a plan for each kind (compare, probe, lift), and the machine that runs every plan."""
