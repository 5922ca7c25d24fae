"""Why a call is refused."""

from __future__ import annotations


class Refused(Exception):
    """Says why a call is refused. Nothing of the call is kept then, neither state nor output.

    An operator raises it for what is wrong with the input or the parameters. The host shows the text, and stops or
    leaves out the record. Every other exception is a bug: it ends the plugin, so that no data is lost in silence.
    """

    def __init__(self, text: str, record: int | None = None) -> None:
        """Takes what is wrong, in words, and the number of the record to blame, counted from 0 in its batch."""
        super().__init__(text)
        self.text = text
        self.record = record

    def __str__(self) -> str:
        return self.text if self.record is None else f"record {self.record}: {self.text}"
