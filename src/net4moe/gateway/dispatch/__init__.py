"""Getting calls to devices and answers back, whatever breaks on the way."""

__all__: list[str] = []
