"""Detection of what a phrase names, in pictures."""

from models.detectors.contract import Detection, Detector
from models.detectors.zero_shot import ZeroShotDetector, open_detector

__all__ = ["Detection", "Detector", "ZeroShotDetector", "open_detector"]
