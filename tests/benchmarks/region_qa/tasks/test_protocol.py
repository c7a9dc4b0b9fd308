from benchmarks.region_qa.tasks.protocol import EvaluationProtocol

OURS = EvaluationProtocol(revision="2026-07", frames=16, prompt="letters")


def test_protocols_that_agree_have_no_difference() -> None:
    assert OURS.differences(EvaluationProtocol(revision="2026-07", frames=16, prompt="letters")) == []


def test_a_difference_says_what_others_did_and_what_we_did() -> None:
    theirs = EvaluationProtocol(revision="2025-05", frames=32, prompt="letters", judge="gpt-4o")
    assert OURS.differences(theirs) == [
        "revision 2025-05 instead of 2026-07",
        "frames 32 instead of 16",
        "judge gpt-4o instead of none",
    ]
