"""Metrics of text against references, as captions are scored. Words are what blanks separate: tokenize before."""
