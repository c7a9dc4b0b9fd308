"""All words that questions and answers can use, for a tokenizer that is trained on them."""

from __future__ import annotations

from models.spoken_numbers import NUMBERS
from models.sr3d.text.mentions import mention
from scenes.questions.ask import CATEGORIES
from scenes.questions.category import with_options
from scenes.questions.quantity import UNITS
from scenes.questions.question import LETTERS
from scenes.worlds.objects.families import FAMILIES
from scenes.worlds.objects.palette import COLOURS

WORDS = ("yes", "no", "left", "middle", "right", "front", "behind", "towards", "away")
PHRASES = ("to the left", "to the right", "it does not move")
COUNTS = tuple(str(n) for n in range(1, 10))


def grammar_texts() -> list[str]:
    """List texts that hold every word of every question and answer: wordings, options, numbers with units, letters."""
    stems = [stem.replace("{}", "") for category in CATEGORIES.values() for stem in category.stems]
    options = [*WORDS, *PHRASES, *COUNTS, *FAMILIES, *COLOURS, *map(mention, range(10))]
    return [
        *stems,
        *(with_options("", (option,) * len(LETTERS)).strip() for option in options),
        *LETTERS,
        *(f"{number} {unit}" for number in NUMBERS for unit in UNITS),
    ]
