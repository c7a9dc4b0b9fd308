"""Teachers: frozen sources of targets, behind one protocol."""

from distill.teachers.expert import Expert4D, Expert4DConfig, load_expert, random_expert, shipped_expert
from distill.teachers.oracle import Oracle
from distill.teachers.teacher import TargetBatch, Targets, Teacher, TeacherSpec

__all__ = [
    "Expert4D",
    "Expert4DConfig",
    "Oracle",
    "TargetBatch",
    "Targets",
    "Teacher",
    "TeacherSpec",
    "load_expert",
    "random_expert",
    "shipped_expert",
]
