"""Every error a user can cause: the message says what was got, what was expected, what to do."""


class DepthError(Exception):
    """Base of all errors meant for the user; anything else that escapes is a bug."""


class ImageError(DepthError):
    """A picture that cannot be decoded, is out of limits, or has the wrong shape or type."""


class CheckpointError(DepthError):
    """A model file that is missing, damaged, swapped, or does not fit its configuration."""


class ConfigError(DepthError):
    """A setting outside its range, or a name that is not in its table."""


class DataError(DepthError):
    """A dataset folder, split file or ground-truth picture that is not as its layout says."""


class CameraError(DepthError):
    """Intrinsics, a field of view or a pose that no camera can have."""


class ExportError(DepthError):
    """A result that cannot be written in the asked-for format or place."""


class EngineError(DepthError):
    """An inference engine or device that is missing or failed."""


class VideoError(DepthError):
    """A video that cannot be decoded, is out of limits, or is no video."""
