"""The three files of a new session, as texts with ``%name`` for what differs."""

from __future__ import annotations

import string
from collections.abc import Mapping


class _Text(string.Template):
    # "$" is a reference in YAML, and braces are mappings.
    delimiter = "%"


def fill(text: str, session: str, names: Mapping[str, str]) -> str:
    """Put the name of the session and those of its objects into a text."""
    return _Text(text).substitute(names, session=session)


SESSION = """\
# The session %session: its devices, and the session itself at the end.
#
# Every entry with a `name` is an object at the prompt; `$name` refers to another one.
# Look for mistakes with `session-shell check`, open it with `session-shell open %session`.

# Two simulated motors. Positions are in `unit`, velocity in units per second,
# acceleration in units per second squared.
- class: mockup
  axes:
    - name: %samx
      unit: mm
      velocity: 5
      acceleration: 50
      steps_per_unit: 1000
      low_limit: -20
      high_limit: 20
    - name: %samy
      unit: mm
      velocity: 5
      acceleration: 50
      steps_per_unit: 1000
      low_limit: -20
      high_limit: 20

# A simulated diode that sees a peak when %samx moves; try
#   ascan(%samx, -3, 3, 30, 0.1, %diode)
- class: simulation_diode
  name: %diode
  model: gaussian
  axis: $%samx
  center: 0.7            # where the peak is, in mm
  fwhm: 1.5              # how wide it is
  height: 10000
  background: 50
  noise: 100
  unit: counts

# One that always sees the same, but for some noise.
- class: simulation_diode
  name: %monitor
  model: constant
  constant: 5000
  noise: 50
  unit: counts

# The counters of a scan that names none: loopscan(10, 0.1)
- class: MeasurementGroup
  name: %MG1
  counters: [%diode, %monitor]

- class: Session
  name: %session
  setup-file: ./%{session}_setup.py      # runs when the session opens
  # It has every object of the whole folder, those in files of other sessions too. For some only:
  # config-objects: [%samx, %samy, %diode, %monitor, %MG1]
  # or all but some:
  # exclude-objects: [%samy]
  # include-sessions: [other]         # their objects and setup scripts come first
  # aliases:
  #   - {original_name: %samx, alias_name: x}
"""

SETUP = '''\
"""Setup of the session %session: runs when it opens, after its objects were made.

Plain Python. The objects of the session and all commands are here by name, and what is defined
here is there at the prompt, except names that begin with "_".
"""

from session_shell.scanning import scan_meta

# The counters of scans that name none.
%MG1.set_active()

# The functions of scripts/%session.py.
load_script("%session")

# Metadata that goes into the file of every scan.
_metadata = scan_meta.get_user_scan_meta()

# Values that do not change; "name@units" is the unit of "name".
_metadata.instrument.set(
    "attenuator",
    {
        "attenuator": {
            "status": "in",
            "type": "aluminium",
            "thickness": 20.0,
            "thickness@units": "um",
        }
    },
)


# Values that are read for each scan: a function that takes the scan and returns a dictionary,
# or None when it has nothing to say.
def sample_position(scan):
    """Return where the sample is."""
    return {
        "sample_position": {
            "x": %samx.position,
            "x@units": %samx.unit,
            "y": %samy.position,
            "y@units": %samy.unit,
        }
    }


_metadata.technique.set("sample_position", sample_position)
# Read it at the end of the scan as well:
# _metadata.technique.timing = scan_meta.META_TIMING.START | scan_meta.META_TIMING.END
# Take it out again:
# _metadata.technique.remove("sample_position")
'''

SCRIPT = '''\
"""Functions of the session %session; its setup script loads them with load_script("%session")."""


def align(width=3.0, intervals=30, count_time=0.1):
    """Scan %samx around where it is and move it to the highest point of %diode.

    `width` is in mm to each side, `count_time` in seconds.
    """
    scan = dscan(%samx, -width, width, intervals, count_time, %diode)
    positions, signal = scan.data["%samx"], scan.data["%diode"]
    umv(%samx, float(positions[signal.argmax()]))
    return scan
'''
