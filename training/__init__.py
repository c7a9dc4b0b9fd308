"""Trainings of SR-3D and lifting: Lightning modules, data, optimizers."""
