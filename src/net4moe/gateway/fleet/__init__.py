"""Which devices there are: joining, roster, what is known of each."""

__all__: list[str] = []
