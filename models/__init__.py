"""Networks, and the geometry that they share."""
