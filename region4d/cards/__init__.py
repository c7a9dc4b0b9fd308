"""Cards: of a trained checkpoint and its bases; of an answer and of an item of a study, as pages that can be sent."""
