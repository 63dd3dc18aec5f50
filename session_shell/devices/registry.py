"""Device classes by the name that they have in YAML.

Built-in names, then the entry points ``session_shell.devices`` of installed packages; a class
with a package (``package: my.module``, ``class: MyDiode``) is imported from there first. Targets
are imported when they are used: opening a session loads only the devices that it has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from session_shell.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "session_shell.devices"
_NO_PARTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A class of devices: what makes one, and which lists of its mapping hold further devices.

    A package can offer one in place of a factory, to say that it is a controller with parts:

    >>> DeviceClass("MyController", parts={"axes": "MyAxis"}).parts["axes"]
    'MyAxis'
    """

    name: str
    target: str | Callable[..., Any] = ""
    """Factory, or its place as ``module:function``. Empty: it makes nothing but its parts."""
    parts: Mapping[str, str] = field(default_factory=lambda: _NO_PARTS)
    """Class of the items of each list key, if they do not say their own."""

    def factory(self) -> Callable[..., Any] | None:
        """Import and return what makes the device; None for a mere holder of parts."""
        if callable(self.target):
            return self.target
        if not self.target:
            return None
        module_name, _, attribute = self.target.partition(":")
        made: Any = importlib.import_module(module_name)
        for step in attribute.split("."):
            made = getattr(made, step)
        if not callable(made):
            raise ConfigError(f"class {self.name}: {self.target} cannot be called")
        factory: Callable[..., Any] = made
        return factory


def _built_in() -> dict[str, DeviceClass]:
    here = "session_shell.devices."
    targets = {
        "MockupAxis": "axes.axis_config:simulated_axis",
        "NoSettingsAxis": "axes.axis_config:simulated_axis",
        "ModuloAxis": "axes.axis_config:simulated_axis",
        "SimulatedAxis": "axes.axis_config:simulated_axis",
        "simulation_diode": "counters.counter:simulated_counter",
        "SimulationDiode": "counters.counter:simulated_counter",
        "simulation_counter": "counters.counter:simulated_counter",
        "SimulationCounter": "counters.counter:simulated_counter",
        "MultiplePositions": "positions.positions_config:multiple_positions",
        "MeasurementGroup": "group:measurement_group",
        "MockupEncoder": "axes.encoder:simulated_encoder",
        "AxisGroup": "axes.group:axis_group",
        "slits": "axes.slits:slits",
        "EnergyWavelength": "axes.monochromator:energy_wavelength",
        "calc_motor_mockup": "axes.monochromator:calc_motor_mockup",
        "calc_counter": "counters.calculated:calculated_counter",
        "CalcCounter": "counters.calculated:calculated_counter",
        "per_second_counter": "counters.calculated:per_second",
        "clock_counter": "counters.derived:clock_counter",
        "soft_axis": "soft.soft_config:soft_axis",
        "SoftAxis": "soft.soft_config:soft_axis",
        "soft_counter": "soft.soft_config:soft_counter",
        "SoftCounter": "soft.soft_config:soft_counter",
        "simulation_mca": "detectors.spectrum_config:simulated_spectrum",
        "SimulatedSpectrum": "detectors.spectrum_config:simulated_spectrum",
        "simulation_camera": "detectors.camera_config:simulated_camera",
        "SimulatedCamera": "detectors.camera_config:simulated_camera",
        "simulation_temperature": "environment.temperature:temperature_controller",
        "SimulatedTemperature": "environment.temperature:temperature_controller",
        "simulation_shutter": "environment.shutter:shutter",
        "SimulatedShutter": "environment.shutter:shutter",
    }
    classes = {name: DeviceClass(name, here + target) for name, target in targets.items()}
    for name in ("mockup", "Mockup"):
        classes[name] = DeviceClass(name, "", {"axes": "MockupAxis", "encoders": "MockupEncoder"})
    return classes


BUILT_IN: Mapping[str, DeviceClass] = MappingProxyType(_built_in())


def part_class(class_name: str, list_key: str) -> str:
    """Return the class of the items in a list of a built-in controller, empty if it has none."""
    controller = BUILT_IN.get(class_name)
    return controller.parts.get(list_key, "") if controller is not None else ""


def known_classes() -> tuple[str, ...]:
    """Return the names of all device classes, built-in ones and those of installed packages."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in _entry_points())}))


def find_class(class_name: str, package: str | None = None) -> DeviceClass | None:
    """Return the device class of that name, or None when there is none.

    `package` is searched first. Raises `ConfigError` when the package or an entry point exists
    and cannot be used.
    """
    if package is not None and (found := _class_of_package(class_name, package)):
        return found
    if class_name in BUILT_IN:
        return BUILT_IN[class_name]
    for point in _entry_points():
        if point.name == class_name:
            return _class_of_entry_point(point)
    return None


def _entry_points() -> list[EntryPoint]:
    # Costs milliseconds for each installed package: only for names that are not built in.
    from importlib.metadata import entry_points

    return list(entry_points(group=ENTRY_POINTS))


def _class_of_entry_point(point: EntryPoint) -> DeviceClass:
    try:
        made = point.load()
    except (Exception, SystemExit) as error:
        origin = f" of {point.dist.name}" if point.dist is not None else ""
        raise ConfigError(
            f"class {point.name}: the entry point {point.value}{origin} cannot be loaded "
            f"({type(error).__name__}: {error})"
        ) from error
    return _as_device_class(point.name, made, point.value)


def _class_of_package(class_name: str, package: str) -> DeviceClass | None:
    try:
        module = importlib.import_module(package)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and _is_part_of(error.name, package):
            raise ConfigError(
                f"there is no package {package!r} to import: install it, or put it into the "
                "configuration folder",
                key="package",
            ) from error
        raise ConfigError(
            f"package {package!r} cannot be imported ({type(error).__name__}: {error})",
            key="package",
        ) from error
    made = getattr(module, class_name, None)
    return None if made is None else _as_device_class(class_name, made, f"{package}:{class_name}")


def _is_part_of(missing: str | None, package: str) -> bool:
    """Tell whether the module that was not found is the package itself or one that holds it."""
    return missing is not None and (package == missing or package.startswith(missing + "."))


def _as_device_class(name: str, made: Any, where: str) -> DeviceClass:
    if isinstance(made, DeviceClass):
        return made
    if not callable(made):
        raise ConfigError(f"class {name}: {where} is no class or function, but {made!r}")
    return DeviceClass(name, made)
