"""From checked arguments to a scan: what all scan commands share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from session_shell.commands import arguments as check
from session_shell.current import current_session
from session_shell.devices.motion.places import set_position
from session_shell.devices.protocols import Detector, Movable
from session_shell.scanning.acquire import Acquirer
from session_shell.scanning.plan import ScanPlan, Trajectory
from session_shell.scanning.scan import Scan


def make_scan(
    command: str,
    title: str,
    trajectory: Trajectory,
    count_time: float,
    detectors: tuple[Detector, ...],
    options: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    go_back: bool = False,
    acquirer: Acquirer | None = None,
) -> Scan | None:
    """Make the scan and run it, as the options say; `count_time` is in seconds."""
    checked = check.check_options(command, options)
    plan = ScanPlan(
        type=command,
        title=checked["title"] or title,
        trajectory=trajectory,
        detectors=detectors,
        count_time=count_time,
        name=checked["name"] or command,
        parameters={**parameters, "count_time": count_time, "count_time@units": "s"},
        scan_info=checked["scan_info"],
        plot=_plotted(detectors, trajectory),
        save=checked["save"],
        sleep_time=checked["sleep_time"],
        stab_time=checked["stab_time"],
        go_back=go_back,
        acquirer=acquirer,
    )
    scan = Scan(plan, current_session().host)
    if checked["dry"]:
        print(scan.simulate().__info__())
    elif checked["run"]:
        scan.run()
    return scan if checked["return_scan"] else None


def _plotted(detectors: tuple[Detector, ...], trajectory: Trajectory) -> tuple[str, ...]:
    """Return what `plotselect` has chosen, as far as it takes part in the scan."""
    there = {channel.name for detector in detectors for channel in detector.channels}
    there |= {axis.name for axis in trajectory.axes}
    return tuple(name for name in current_session().plot_selection if name in there)


def leg(command: str, motor: Any, start: Any, stop: Any) -> tuple[Movable, float, float]:
    """Return a checked (axis, start, stop)."""
    axis = check.axis(command, "motor", motor)
    return (
        axis,
        check.real(command, f"start of {axis.name}", start),
        check.real(command, f"stop of {axis.name}", stop),
    )


def shifted(axis: Movable, values: tuple[float, float], relative: bool) -> tuple[float, float]:
    """Return start and stop as user positions, from where the axis is when `relative`."""
    here = set_position(axis) if relative else 0.0
    return values[0] + here, values[1] + here


def asked(axis: Movable, start: float, stop: float, relative: bool) -> dict[str, Any]:
    """Return what was asked of one axis, for the file."""
    return {
        "start": start,
        "start@units": axis.unit,
        "stop": stop,
        "stop@units": axis.unit,
        "relative": relative,
    }


def word(value: float) -> str:
    """Write a number as one types it: 10 for 10.0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
