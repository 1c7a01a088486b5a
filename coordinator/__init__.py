"""A self-hosted task coordinator that speaks the AWS Data Pipeline API."""

from importlib.metadata import version

__version__ = version("lease-coordinator")
