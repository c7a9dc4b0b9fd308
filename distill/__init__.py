"""Perceptual 4D distillation (P4D): teachers, training-only decoders, losses and the module that trains a student."""
