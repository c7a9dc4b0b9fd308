from probes.extractors.table import CONFIGS, extractor_tables


def test_every_extractor_has_a_row_in_every_section() -> None:
    sections = extractor_tables().split("\n## ")[1:]
    assert len(sections) == 3
    for path in CONFIGS.glob("*.yaml"):
        assert all(section.count(f"| `{path.stem}` |") == 1 for section in sections)
