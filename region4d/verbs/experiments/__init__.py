"""Verbs that run an experiment or a study: they take Hydra overrides."""
