"""Public data sets in their own layout."""
