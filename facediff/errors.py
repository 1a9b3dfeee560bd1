"""Every error that facediff raises on purpose, in one tree.

    FaceDiffError
    ├── InputError(ValueError)       an argument or a file that cannot be used
    │   ├── MediaError               a picture, video or sound file that cannot be read
    │   │   └── AudioError           a sound that is missing, empty or too long
    │   ├── NoFaceFound              no face where one is needed
    │   └── SeveralFaces             several faces where one must be chosen
    ├── OutputError(OSError)         a result that cannot be written
    ├── ConfigError(ValueError)      a setting or a combination of settings that makes no sense
    ├── WeightsError(OSError)        model files that are missing, corrupt or of another version
    ├── LiveError(RuntimeError)      a live session that is over, or whose process has ended
    └── MissingExtra(ImportError)    an optional dependency that is not installed

A message holds what was got, what was wanted and what to do. The command line prints it in one line and
exits with code 2. Knows nothing about the rest of the package.
"""


class FaceDiffError(Exception):
    """The root: catch this to catch everything that facediff raises on purpose."""


class InputError(FaceDiffError, ValueError):
    """An argument or a file that cannot be used."""


class MediaError(InputError):
    """A picture, video or sound file that cannot be read."""


class AudioError(MediaError):
    """A sound that is missing, empty or too long."""


class NoFaceFound(InputError):
    """No face where one is needed."""


class SeveralFaces(InputError):
    """Several faces where one must be chosen."""


class OutputError(FaceDiffError, OSError):
    """A result that cannot be written."""


class ConfigError(FaceDiffError, ValueError):
    """A setting, or a combination of settings, that makes no sense."""


class WeightsError(FaceDiffError, OSError):
    """Model files that are missing, corrupt or of another version."""


class LiveError(FaceDiffError, RuntimeError):
    """A live session that is over, or whose process has ended."""


class MissingExtra(FaceDiffError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        """Say which library ``purpose`` needs and the pip command that installs it."""
        super().__init__(f"{purpose} needs {library}: pip install 'facediff[{extra}]'")


def take_first_line(error: BaseException) -> str:
    """What an error of somebody else's says, in a line; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
