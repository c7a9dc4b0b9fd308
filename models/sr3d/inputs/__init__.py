"""From a clip, regions and a question to the model's inputs."""
