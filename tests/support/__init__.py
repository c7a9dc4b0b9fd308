"""What several test files share: builders, tiny checkpoints in published layouts, toy data. Tests import no tests."""
