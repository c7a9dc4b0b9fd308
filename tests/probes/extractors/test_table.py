from probes.extractors.table import CONFIGS, RESULT, extractor_tables


def test_the_committed_tables_are_those_of_the_configuration() -> None:
    assert RESULT.read_text() == extractor_tables()


def test_every_extractor_has_a_row_in_every_section() -> None:
    sections = extractor_tables().split("\n## ")[1:]
    assert len(sections) == 3
    for path in CONFIGS.glob("*.yaml"):
        assert all(section.count(f"| `{path.stem}` |") == 1 for section in sections)
