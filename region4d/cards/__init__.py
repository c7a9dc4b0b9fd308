"""Cards of trained checkpoints, and what they say about their bases."""
