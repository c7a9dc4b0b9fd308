"""Networks of the lifting model."""
