from __future__ import annotations

import pytest

from region4d.app.probing.frozen_models import FrozenModel, frozen_models


@pytest.fixture(scope="session")
def frozen(few_worlds: None) -> dict[str, FrozenModel]:
    """The shipped models, by name."""
    return frozen_models(())
