"""Training of the 4D expert that teaches the students."""
