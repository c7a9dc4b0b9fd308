"""The cost of published extractors: parameters, memory and operations, counted without weights."""
