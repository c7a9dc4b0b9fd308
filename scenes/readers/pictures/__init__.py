"""Picture files: which formats are read, and how they become 8-bit RGB, upright."""
