"""Attention backends by name."""

from importlib.util import find_spec

import pytest

from models.attention import attention_implementation, packed_attention


@pytest.mark.parametrize("name", ["sdpa", "eager", "flex_attention"])
def test_a_name_of_transformers_is_itself(name: str) -> None:
    assert attention_implementation(name) == name


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="flash-attn is installed")
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("flash", "needs FlashAttention 2: pip install"),
        ("flash_attention_2", "needs FlashAttention 2: pip install"),
        ("flash_attention_3", "needs FlashAttention 3: install it"),
    ],
)
def test_flash_attention_without_its_package_is_an_error_with_the_remedy(name: str, remedy: str) -> None:
    with pytest.raises(ImportError, match=remedy):
        attention_implementation(name)


@pytest.mark.parametrize("name", ["xformers", "kernels-community/flash-attn2", "paged|eager"])
def test_an_unknown_backend_names_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown attention backend.*eager.*flex_attention.*sdpa.*flash"):
        attention_implementation(name)


def test_what_trains_packed_rows_stands_for_what_was_chosen() -> None:
    assert [packed_attention(name) for name in ("sdpa", "flex_attention", "eager")] == [
        "shared_prefix", "packed_flex", "eager"
    ]  # fmt: skip
    assert packed_attention(packed_attention("flex_attention")) == "packed_flex"


@pytest.mark.parametrize("name", ["flash", "flash_attention_3", "xformers"])
def test_a_backend_that_cannot_train_is_refused_with_those_that_can(name: str) -> None:
    with pytest.raises(ValueError, match=f"attention '{name}' cannot train.*sdpa, flex_attention, eager"):
        packed_attention(name)
