"""Questions about regions of clips with known truth, and their exact answers."""

from models.spoken_numbers import NUMBERS, format_number
from scenes.questions.ask import CATEGORIES, ask_about, region_of
from scenes.questions.dynamic import DYNAMIC
from scenes.questions.grammar import grammar_texts
from scenes.questions.patches import ask_about_patches
from scenes.questions.quantity import UNITS, format_quantity
from scenes.questions.question import LETTERS, Question
from scenes.questions.static import STATIC
from scenes.questions.templates import question_templates

__all__ = [
    "CATEGORIES",
    "DYNAMIC",
    "LETTERS",
    "NUMBERS",
    "STATIC",
    "UNITS",
    "Question",
    "ask_about",
    "ask_about_patches",
    "format_number",
    "format_quantity",
    "grammar_texts",
    "question_templates",
    "region_of",
]
