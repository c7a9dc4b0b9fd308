from scenes.questions import Question


def test_options_in_words_are_spoken_and_regions_are_named_by_letter() -> None:
    assert Question("colour", "?", "B", ("red", "blue")).spoken == "blue"
    assert Question("higher", "?", "B", ("<region0>", "<region1>")).spoken == "B"
    assert Question("distance", "?", "1.4 m", value=1.4, unit="m").spoken == "1.4 m"
