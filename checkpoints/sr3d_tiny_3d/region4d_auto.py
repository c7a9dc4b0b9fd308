"""Takes SR-3D's processor from region4d: AutoProcessor.from_pretrained(folder, trust_remote_code=True)."""

from region4d import SR3DProcessor as InstalledProcessor


class SR3DProcessor(InstalledProcessor):
    """The processor of the installed package."""
