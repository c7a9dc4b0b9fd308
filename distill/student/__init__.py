"""The student: an unchanged SR-3D, where distillation enters it, and its losses."""

from distill.student.perceptual_distillation import PerceptualDistillation

__all__ = ["PerceptualDistillation"]
