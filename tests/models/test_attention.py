"""Attention backends by name."""

from importlib.util import find_spec

import pytest

from models.attention import attention_implementation


def test_sdpa_is_sdpa() -> None:
    assert attention_implementation("sdpa") == "sdpa"


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="flash-attn is installed")
def test_flash_without_its_package_is_an_error_with_the_remedy() -> None:
    with pytest.raises(ImportError, match="pip install"):
        attention_implementation("flash")


def test_an_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="sdpa, flash, eager"):
        attention_implementation("xformers")
