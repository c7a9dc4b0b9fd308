"""What a model is asked: a question about regions of a clip, and the ways of pointing at them."""
