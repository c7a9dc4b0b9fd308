"""How benchmarks read and score answers by their own rules, which their published numbers stand on.

They are described in our words and checked against the numbers that the published code gives, not copied from it.
"""
