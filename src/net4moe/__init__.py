"""Net4MoE: mixtures of expert language models across mobile edge devices.

The rooms, in the order in which data passes them: `chat`, `mixture`, `table` hold the text; `network`,
`environment`, `policy` hold the arrays; `gateway` and `study` see both. Import the room, not its classes:

    from net4moe import mixture, policy
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
