"""Reading the answers of models: final answer, letters, numbers and units."""
