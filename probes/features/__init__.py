"""Features of frozen models: extraction, store, controls."""
