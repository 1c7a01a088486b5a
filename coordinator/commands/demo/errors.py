"""What ends the demo before its time."""

import click


class DemoError(click.ClickException):
    """Something that the demo rests on did not happen; the message says what."""
