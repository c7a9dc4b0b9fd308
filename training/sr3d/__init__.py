"""Fine-tuning of SR-3D."""
