"""What answers questions about clips: SR-3D, other vision-language models, and baselines that see nothing."""
