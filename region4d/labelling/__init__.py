"""Label files for probes, from data sets: their clips, what their labels are of, and how they are written."""
