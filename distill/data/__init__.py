"""Training data with the targets of a teacher: worlds, and footage of one's own."""

from distill.data.footage import TaughtFootage
from distill.data.samples import TaughtSamples, collate_taught
from distill.data.worlds import TaughtWorldQuestions

__all__ = ["TaughtFootage", "TaughtSamples", "TaughtWorldQuestions", "collate_taught"]
