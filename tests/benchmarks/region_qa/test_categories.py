from benchmarks.region_qa.categories import GROUPS, PUBLISHED_EQUIVALENT, ROW_ORDER, members
from scenes.questions import CATEGORIES


def test_every_category_is_in_one_group() -> None:
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(CATEGORIES)


def test_a_group_has_its_categories_and_a_category_is_its_own_group() -> None:
    assert members("static") == GROUPS["static"]
    assert members("distance") == ("distance",)


def test_rows_of_tables_are_all_categories_then_the_groups() -> None:
    assert (*CATEGORIES, "static", "dynamic") == ROW_ORDER


def test_published_tasks_are_named_for_categories_that_exist() -> None:
    assert set(PUBLISHED_EQUIVALENT) <= set(CATEGORIES)
