"""Setup of the demo session: run when it opens, in the namespace of the prompt.

All objects of the session (roby, diode, mp, ...) and all commands (umv, ascan, ...) are there.
What is defined here appears at the prompt, except names that begin with "_".
"""

from session_shell.scanning import scan_meta  # `from bliss.scanning import scan_meta` works too

# -- metadata of every scan ------------------------------------------------------------------
# A name (or an object) and a dict, or a function that gets the scan and returns a dict.

scan_meta_obj = scan_meta.get_user_scan_meta()

# When a category is taken: START, PREPARED (before the first point), END, or several of them.
# Without this line `instrument` is taken at the END.
scan_meta_obj.instrument.timing = scan_meta.META_TIMING.START | scan_meta.META_TIMING.END


def generate_label(scan):
    return {"position_label": mp.position}


# mp is a MultiplePositions object: its label as it is when the scan starts and when it ends.
scan_meta_obj.instrument.set(mp, generate_label)

# Static: the same in every scan. Nested dicts are groups, "@NX_class" says of which class, and
# "thickness@units" is the unit of "thickness".
scan_meta_obj.instrument.set(
    "mymetadata",
    {
        "myattenuator": {
            "@NX_class": "NXattenuator",
            "status": "in",
            "type": "aluminium",
            "thickness": 20.0,
            "thickness@units": "um",
        }
    },
)

scan_meta_obj.sample.set("demo", {"@NX_class": "NXsample", "name": "gold foil"})
scan_meta_obj.sample_description.set(
    "demo", {"thickness": 2.5, "thickness@units": "um", "supplier": "in-house"}
)
scan_meta_obj.proposal.set("demo", {"proposal_id": "demo-1", "title": "Trying session-shell"})


def _technique(scan):
    """Say what kind of measurement a scan is; loops and counts are none."""
    if scan.type in ("ascan", "dscan"):
        return {"name": "line scan", "count_time": scan.plan.count_time, "count_time@units": "s"}
    return None


# PREPARED: the detectors have been set up, the first point comes next.
scan_meta_obj.technique.timing = scan_meta.META_TIMING.PREPARED
scan_meta_obj.technique.set("line scan", _technique)


def _slits(scan):
    """Take the opening of the slits when the scan is over, in case they were scanned."""
    unit = s1vg.unit
    return {
        "s1_opening": {
            "vertical": s1vg.position,
            "vertical@units": unit,
            "horizontal": s1hg.position,
            "horizontal@units": unit,
        }
    }


scan_meta_obj.positioners.timing = scan_meta.META_TIMING.END
scan_meta_obj.positioners.set("slits", _slits)

# -- functions for users ---------------------------------------------------------------------


def sample_in():
    """Bring the sample into the beam."""
    umv(sy, 0.4, sz, -0.3)


def sample_out():
    """Take the sample out of the beam."""
    umv(sy, 10)


def peak_of(scan, axis, counter):
    """Return the position of `axis` at which `counter` was highest in a scan.

    s = ascan(roby, 0, 10, 50, 0.02, diode1)
    umv(roby, peak_of(s, roby, diode1))
    """
    return float(scan.data[axis.name][scan.data[counter.name].argmax()])
