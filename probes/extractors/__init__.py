"""Video models, read behind a block: one small file a family, one YAML a model (configs/extractor)."""
