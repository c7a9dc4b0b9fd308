"""Ridge regressions of many strengths from one sum over the rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


class Ridge:
    """Regress outputs on inputs, both scaled to unit variance, so that all outputs count alike."""

    def __init__(self, x: Float[Tensor, "row channel"], y: Float[Tensor, "row output"]) -> None:
        self.x_mean, self.x_scale = x.mean(0), x.std(0).clamp_min(1e-6)
        self.y_mean, self.y_scale = y.mean(0), y.std(0).clamp_min(1e-6)
        inputs, outputs = self._scaled(x, y)
        self.gram, self.moment = inputs.T @ inputs, inputs.T @ outputs

    def _scaled(
        self, x: Float[Tensor, "row channel"], y: Float[Tensor, "row output"]
    ) -> tuple[Float[Tensor, "row channel"], Float[Tensor, "row output"]]:
        return ((x - self.x_mean) / self.x_scale).double(), ((y - self.y_mean) / self.y_scale).double()

    def predict(self, x: Float[Tensor, "row channel"], ridge: float) -> Float[Tensor, "row output"]:
        """Predict the outputs of rows, for one strength."""
        inputs = ((x - self.x_mean) / self.x_scale).double()
        return (inputs @ self._weights([ridge])[0]).float() * self.y_scale + self.y_mean

    def _weights(self, ridges: Sequence[float]) -> Float[Tensor, "ridge channel output"]:
        each = self.gram.diagonal().mean() * torch.eye(len(self.gram), dtype=self.gram.dtype)
        penalties = torch.tensor(ridges, dtype=self.gram.dtype)[:, None, None] * each
        weights: Tensor = torch.linalg.solve(self.gram + penalties, self.moment.expand(len(ridges), -1, -1))
        return weights

    def errors(
        self, x: Float[Tensor, "row channel"], y: Float[Tensor, "row output"], ridges: Sequence[float]
    ) -> tuple[Float[Tensor, "ridge row"], Float[Tensor, "row"]]:
        """Take the squared errors of other rows, for each strength, and their squared distances from their mean."""
        inputs, outputs = self._scaled(x, y)
        return (outputs - inputs @ self._weights(ridges)).square().sum(2), (outputs - outputs.mean(0)).square().sum(1)

    def r2(
        self, x: Float[Tensor, "row channel"], y: Float[Tensor, "row output"], ridges: Sequence[float]
    ) -> list[float]:
        """Score R2 on other rows, for each strength."""
        errors, spread = self.errors(x, y, ridges)
        scores: list[float] = (1 - errors.sum(1) / spread.sum()).tolist()
        return scores
