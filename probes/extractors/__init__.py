"""Extractors of frozen models: one small file per family, one YAML per model (configs/extractor)."""
