"""Commands that are disturbed while they run, each in a process of its own, and what they leave."""
