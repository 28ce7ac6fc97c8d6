"""Devices at the edge: the agent that fronts a model server, joining, telemetry. No array library."""

from net4moe.edge.wire import ExpertOffer, LinkReport, PowerReport, SpeedReport, Telemetry

__all__ = ["ExpertOffer", "LinkReport", "PowerReport", "SpeedReport", "Telemetry"]
