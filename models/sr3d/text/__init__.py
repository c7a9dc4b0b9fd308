"""The language side of the inputs: tokenizer, mentions of regions, prompts."""
