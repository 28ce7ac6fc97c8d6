"""Where the text column and the array column meet at run time."""

from net4moe.gateway.selector import DeviceSelector

__all__ = ["DeviceSelector"]
