"""Training of the 4D expert, the teacher of distillation."""
