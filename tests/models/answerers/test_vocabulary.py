from __future__ import annotations

from models.answerers.names import open_answers
from models.answerers.vocabulary import unknown_words


def test_a_tiny_model_knows_its_grammar_and_no_word_of_marks_or_coordinates() -> None:
    model = open_answers("sr3d_tiny_2d", "cpu")
    assert unknown_words(model, "Which has the higher top? (A) <region0> (B) <region1>") == []
    assert unknown_words(model, "What colour is the region marked 0? (A) red") == ["region", "marked", "0"]
    assert unknown_words(open_answers("constant:A"), "anything at all") == []
