"""Questions with their answers as HTML."""

from __future__ import annotations

from region4d.cards.answers import Answer, Verdict, answer_cards, verdict_table, with_option

QUESTION = "Which is taller? (A) <region0> (B) <region1>"


def test_a_letter_is_written_with_its_option() -> None:
    assert with_option("B", QUESTION) == "B: <region1>"
    assert with_option("1.2 m", QUESTION) == "1.2 m"
    assert with_option("C", QUESTION) == "C"


def test_what_a_model_said_cannot_become_markup() -> None:
    text = answer_cards("Is <region0> <b>red</b>?", [Answer("m", "<script>no</script>", 0.5, ["<i>"])], "<u>")
    for markup in ("<script>", "<i>", "<u>", "<b>red"):
        assert markup not in text
    assert "&lt;region0&gt;</span>" in text  # on the colour of its region


def test_arms_are_listed_with_what_they_said_and_whether_it_is_right() -> None:
    table = verdict_table(QUESTION, "B: <region1>", [Verdict("4d", "B", True), Verdict("2d", "-", False, "no letter")])
    assert table.index("✓ right") < table.index("✗ wrong") < table.index("no letter")
