"""What NeXus classes define directly (definitions 2026.01), and merging with what users give."""

from __future__ import annotations

from session_shell.nexus.tree.nodes import Dataset, Group, Link, free_name, same

_FIELDS = {
    "NXpositioner": (
        "name description value raw_value target_value tolerance soft_limit_min soft_limit_max "
        "velocity acceleration_time controller_record depends_on"
    ),
    "NXdetector": (
        "time_of_flight raw_time_of_flight detector_number data data_errors x_pixel_offset "
        "y_pixel_offset z_pixel_offset distance polar_angle azimuthal_angle description "
        "serial_number local_name solid_angle x_pixel_size y_pixel_size dead_time gas_pressure "
        "detection_gas_path crate slot input type real_time start_time stop_time "
        "calibration_date layout count_time sequence_number beam_center_x beam_center_y "
        "frame_start_number diameter acquisition_mode angular_calibration_applied "
        "angular_calibration flatfield_applied flatfield flatfield_errors pixel_mask_applied "
        "pixel_mask image_key countrate_correction_applied countrate_correction_lookup_table "
        "virtual_pixel_interpolation_applied bit_depth_readout detector_readout_time "
        "trigger_delay_time trigger_delay_time_set trigger_internal_delay_time "
        "trigger_dead_time frame_time gain_setting saturation_value underload_value "
        "number_of_cycles sensor_material sensor_thickness threshold_energy depends_on"
    ),
    "NXsample": (
        "name chemical_formula temperature electric_field magnetic_field stress_field pressure "
        "changer_position unit_cell_abc unit_cell_alphabetagamma unit_cell unit_cell_volume "
        "sample_orientation orientation_matrix ub_matrix mass density "
        "relative_molecular_mass type situation description preparation_date component "
        "sample_component concentration volume_fraction scattering_length_density "
        "unit_cell_class space_group point_group path_length path_length_window thickness "
        "external_DAC short_title rotation_angle x_translation distance physical_form"
    ),
    "NXuser": "name role affiliation address telephone_number fax_number email "
    "facility_user_id ORCID",
    "NXsource": (
        "distance name type probe power emittance_x emittance_y sigma_x sigma_y flux energy "
        "current voltage frequency period target_material number_of_bunches bunch_length "
        "bunch_distance pulse_width mode top_up last_fill wavelength pulse_energy peak_power "
        "anode_material filament_current emission_current gas_pressure previous_source "
        "depends_on"
    ),
    "NXattenuator": (
        "distance type thickness scattering_cross_section absorption_cross_section "
        "attenuator_transmission status depends_on applied name description inputs outputs"
    ),
    "NXnote": "author date type file_name checksum algorithm description sequence_index data",
}
FIELDS = {name: frozenset(fields.split()) for name, fields in _FIELDS.items()}

_ENUMERATED = {
    ("NXsource", "type"),
    ("NXsource", "probe"),
    ("NXsource", "mode"),
    ("NXsample", "type"),
    ("NXsample", "situation"),
    ("NXsample", "physical_form"),
    ("NXdetector", "acquisition_mode"),
    ("NXdetector", "layout"),
}
"""Fields with a fixed list of words: what a user says of them need not be among these."""

_NUMBERS = {
    "NXpositioner": FIELDS["NXpositioner"]
    - {"name", "description", "controller_record", "depends_on"},
}
"""Fields that must be numbers; text goes below `parameters`."""

ENTRY_CLASSES = {"sample": "NXsample", "user": "NXuser", "notes": "NXnote"}
"""Classes of the groups at the top of an entry that have a name of their own."""
INSTRUMENT_CLASSES = {"source": "NXsource"}


def fit_class(group: Group, nx_class: str) -> None:
    """Make `group` one of `nx_class`: what the class does not define goes to `parameters`."""
    group.attributes["NX_class"] = nx_class
    fields = FIELDS.get(nx_class)
    if fields is None:
        return
    numbers = _NUMBERS.get(nx_class, frozenset())
    strangers = {}
    for name, node in list(group.items.items()):
        if isinstance(node, Group | Link):
            continue  # a relative link means something else in another place
        text = isinstance(node.value, str)
        fits = name in fields and (nx_class, name) not in _ENUMERATED
        if not fits or (text and name in numbers):
            strangers[name] = group.items.pop(name)
    if strangers:
        parameters = group.items.get("parameters")
        if not isinstance(parameters, Group):
            parameters = group.items["parameters"] = Group({"NX_class": "NXcollection"})
        for name, node in strangers.items():
            parameters.items[free_name(name, parameters.items)] = node


def fit_declared(group: Group) -> None:
    """Make every group below `group` what it says that it is, as far as the class is known."""
    for node in list(group.items.values()):
        if isinstance(node, Group):
            if node.nx_class in FIELDS:
                fit_class(node, node.nx_class)
            fit_declared(node)


def merge(ours: Group, theirs: Group, path: str, warnings: list[str]) -> None:
    """Merge the user's group into one of ours; where they disagree ours stays, with a warning."""
    for key, value in theirs.attributes.items():
        present = ours.attributes.setdefault(key, value)
        if present is value or same(present, value):
            if key in theirs.origins:
                ours.origins[key] = theirs.origins[key]
        else:
            warnings.append(f"{path}@{key}: left out, since the scan file sets it to {present!r}")
    for name, node in theirs.items.items():
        here = f"{path}/{name}"
        existing = ours.items.get(name)
        if existing is None:
            ours.items[name] = node
        elif isinstance(existing, Group) and isinstance(node, Group):
            merge(existing, node, here, warnings)
        elif (
            isinstance(existing, Dataset)
            and isinstance(node, Dataset)
            and existing.source is None
            and same(existing.value, node.value)
        ):
            existing.origin = node.origin
            existing.origins |= node.origins
        else:
            warnings.append(f"{here}: left out, since the scan file has its own {name!r}")
