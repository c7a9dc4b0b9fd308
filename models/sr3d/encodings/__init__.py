"""Position and timestamp encodings of visual tokens."""
