"""Time and memory of large input, against those of reading the same frames by a library alone."""
