"""The table of extras is that of pyproject.toml."""

from __future__ import annotations

import tomllib

from region4d.doctor.extras import EXTRAS, missing_modules
from tests.conftest import REPOSITORY


def test_every_extra_of_the_package_is_in_the_table_in_its_order() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert list(EXTRAS) == list(project["optional-dependencies"])


def test_a_module_that_is_not_installed_is_listed() -> None:
    assert missing_modules(["json", "no_such_module_of_anybody"]) == ["no_such_module_of_anybody"]
