"""What clients talk to: the OpenAI-compatible address."""

__all__: list[str] = []
