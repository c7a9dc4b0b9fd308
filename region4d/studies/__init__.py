"""Studies: a plan for each kind (compare, probe, lift, region_prompting), and the machine that runs every plan."""
