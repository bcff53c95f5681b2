"""Exceptions and warnings of spars' own. Everything else is raised as Python's built-in ones."""


def one_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        # The core's strerror has the path in it; Python's own errors have it apart.
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return text or type(error).__name__


class FormatError(ValueError):
    """A file is broken, truncated or contradicts itself; the message names the field and its value.

    Attributes
    ----------
    field : str
        The field that is wrong, by the file format's name for it; empty where it has none.

    Examples
    --------
    >>> _ = open("scan.nii", "wb").write(b"no scan")
    >>> try:
    ...     spars.load("scan.nii")
    ... except spars.FormatError as error:
    ...     error.field
    'sizeof_hdr'
    """

    field = ""


class NonFiniteError(ValueError):
    """An array holds NaN or infinity where numbers are needed; the message names the array.

    Examples
    --------
    >>> try:
    ...     spars.segment(np.full((48, 48, 32), np.nan), spars.pretrained(), recipe=None, grid=None)
    ... except spars.NonFiniteError as error:
    ...     print(error)
    The 'volume' parameter of self_play must be finite. Got nan at (0, 0, 0) instead.
    """


class InternalError(RuntimeError):
    """A bug in spars. Please report it with the message.

    Examples
    --------
    >>> issubclass(spars.InternalError, RuntimeError)
    True
    """


class ScanWarning(UserWarning):
    """A scan or its region is not what was asked for; the message says why and what to look at.

    Examples
    --------
    >>> issubclass(spars.ScanWarning, UserWarning)
    True
    """


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, or the one before it was read; work goes on.

    Examples
    --------
    >>> issubclass(spars.CheckpointWarning, UserWarning)
    True
    """
