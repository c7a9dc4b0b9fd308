import math

import pytest
import torch
from diffusers import CogVideoXDDIMScheduler, DDPMScheduler, EDMEulerScheduler

from probes.extractors.diffusion.cogvideox import CogVideoXExtractor
from probes.extractors.diffusion.cosmos import CosmosExtractor, edm_sigma
from probes.extractors.diffusion.hunyuan_video import HunyuanVideoExtractor
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.diffusion.ltx_video import LTXVideoExtractor
from probes.extractors.diffusion.open_sora import OpenSoraExtractor
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise, preserving_timestep

FLOWS = (WanExtractor, HunyuanVideoExtractor, LTXVideoExtractor, OpenSoraExtractor)
MODELS = (*FLOWS, CogVideoXExtractor, CosmosExtractor)
SCHEDULES = {
    "cogvideox_2b": CogVideoXDDIMScheduler(snr_shift_scale=3.0, rescale_betas_zero_snr=True),
    "cogvideox_5b": CogVideoXDDIMScheduler(snr_shift_scale=1.0, rescale_betas_zero_snr=True),
    "with signal left at the end": DDPMScheduler(),
}


def measured(model: type[LatentDiffusion], sigma: float) -> tuple[float, float]:
    """Fit how much of the clean latents and of the noise is in what a model sees."""
    clean = torch.randn(1, 4, 64, 64, 64, generator=torch.Generator().manual_seed(1))
    noisy = Noise(sigma).add(clean, [torch.Generator().manual_seed(0)], model.kind)
    signal = float((noisy * clean).mean() / clean.square().mean())
    return signal, float((noisy - signal * clean).std())


@pytest.mark.parametrize("sigma", [0.1, 0.25, 0.5, 0.764, 0.9])
@pytest.mark.parametrize("model", MODELS)
def test_equal_sigma_is_equal_signal_to_noise_ratio_in_every_model(model: type[LatentDiffusion], sigma: float) -> None:
    signal, share = measured(model, sigma)
    # a million draws: the fit is off by a thousandth of the noise
    assert math.isclose(signal / share, (1 - sigma) / sigma, rel_tol=0.01, abs_tol=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_sigma_0_is_the_clean_clip_and_1_is_noise_alone(model: type[LatentDiffusion]) -> None:
    clean = torch.randn(1, 4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    drawn = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for sigma, wanted in ((0.0, clean), (1.0, drawn)):
        assert torch.equal(Noise(sigma).add(clean, [torch.Generator().manual_seed(0)], model.kind), wanted)


@pytest.mark.parametrize("model", [CogVideoXExtractor, CosmosExtractor])
def test_the_variance_stays_1_where_it_is_preserved(model: type[LatentDiffusion]) -> None:
    for sigma in (0.1, 0.5, 0.9):
        signal, share = measured(model, sigma)
        assert math.isclose(signal**2 + share**2, 1, rel_tol=0.01)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_timestep_of_a_sigma_is_the_nearest_of_all_trained_ones(name: str) -> None:
    bars = SCHEDULES[name].alphas_cumprod.double()
    for sigma in torch.linspace(0, 1, 101).tolist():
        wanted = (1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2)
        found = preserving_timestep(sigma, bars)
        below, above = math.floor(found), math.ceil(found)
        if bars[-1] <= wanted <= bars[0]:
            assert bars[above] - 1e-9 <= wanted <= bars[below] + 1e-9
        else:
            assert found == (0 if wanted > bars[0] else len(bars) - 1)
        assert abs(found - int((bars - wanted).abs().argmin())) < 1


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("step", [1, 250, 500, 998])
def test_the_sigma_of_a_trained_step_gives_that_step_back(name: str, step: int) -> None:
    bars = SCHEDULES[name].alphas_cumprod.double()
    signal, share = bars[step].sqrt(), (1 - bars[step]).sqrt()
    assert math.isclose(preserving_timestep(float(share / (signal + share)), bars), step, abs_tol=1e-5)


@pytest.mark.parametrize(("name", "sigma"), [("cogvideox_2b", 0.5562), ("cogvideox_5b", 0.4219)])
def test_the_published_noise_of_cogvideox_is_timestep_250(name: str, sigma: float) -> None:
    assert math.isclose(preserving_timestep(sigma, SCHEDULES[name].alphas_cumprod), 250, abs_tol=0.1)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
def test_timesteps_are_finite_and_rise_with_the_noise(sigma: float) -> None:
    bars = SCHEDULES["cogvideox_5b"].alphas_cumprod
    assert 0 <= preserving_timestep(sigma, bars) <= 999
    assert preserving_timestep(0.0, bars) < preserving_timestep(0.5, bars) < preserving_timestep(1.0, bars)


def test_what_edm_is_told_has_the_signal_to_noise_ratio_of_sigma() -> None:
    config = EDMEulerScheduler().config
    for sigma in (0.1, 0.5, 0.9):
        level = edm_sigma(sigma, config.sigma_min, config.sigma_max, config.sigma_data)
        assert math.isclose(config.sigma_data / level, (1 - sigma) / sigma)


@pytest.mark.parametrize(("sigma", "conditioning"), [(-0.1, None), (1.5, None), (0.5, 2.0)])
def test_a_noise_level_outside_of_0_to_1_is_refused(sigma: float, conditioning: float | None) -> None:
    with pytest.raises(ValueError, match=r"from 0 \(clean\) to 1"):
        Noise(sigma, conditioning)


def test_the_key_of_a_noise_level_is_that_of_stores_written_before() -> None:
    """Golden: were a name to change, a store would have to be extracted again."""
    noise = Noise(0.5, conditioning_sigma=0.1, seed=3, samples=2)
    assert noise.identity() == {"sigma": 0.5, "told": 0.1, "seed": 3, "draws": 2}


def test_the_conditioning_level_may_differ_from_that_of_the_noise() -> None:
    assert Noise(0.3).conditioning == 0.3
    assert Noise(0.3, conditioning_sigma=0.8).conditioning == 0.8


def test_an_unknown_kind_of_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="kind='edm' is unknown"):
        Noise(0.5).coefficients("edm")
