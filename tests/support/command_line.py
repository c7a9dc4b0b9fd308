"""The command line as tests run it."""

from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]  # words -> (exit code, standard output, standard error)


def assert_one_line(result: tuple[int, str, str], *words: str) -> None:
    code, out, err = result
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("region4d: ")
    for word in words:
        assert word in err
