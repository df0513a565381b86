"""Which version of Photochrom this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def product_version() -> str:
    """Name the installed version; a source tree that is not installed has none."""
    try:
        return version("photochrom")
    except PackageNotFoundError:
        return "unknown"
