"""Devices: what they must offer, and the simulated ones.

Who writes a device needs only the types here; the simulated ones are built from YAML and loaded
when a session names them.
"""

from __future__ import annotations

from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.together import move_together
from session_shell.devices.protocols import (
    Channel,
    Detector,
    HasChannelMetadata,
    HasSampling,
    HasSavedState,
    HasScanMetadata,
    Movable,
    Status,
    Value,
    is_axis,
    is_detector,
)

__all__ = [
    "Channel",
    "Detector",
    "DeviceContext",
    "HasChannelMetadata",
    "HasSampling",
    "HasSavedState",
    "HasScanMetadata",
    "Movable",
    "Status",
    "Value",
    "is_axis",
    "is_detector",
    "move_together",
]
