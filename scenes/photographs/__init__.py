"""Objects of photographs whose true mesh or box is known: published test sets of lifting."""
