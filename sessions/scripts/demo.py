"""A script for users: load_script("demo") puts its functions at the prompt."""


def find_sample(step=0.1, count_time=0.02):
    """Scan sy and sz around where they are, go to the highest signal each time."""
    half = 10 * step
    for axis in (sy, sz):
        scan = dscan(axis, -half, half, 20, count_time, diode)
        umv(axis, peak_of(scan, axis, diode))
    return sy.position, sz.position


def through_all_foils(count_time=0.1):
    """Count once with every foil of the attenuator; the files tell them apart by their metadata."""
    scans = []
    for label in mp.labels:
        mp.move(label)
        scans.append(sct(count_time, diode1, mon))
    mp.out()
    return scans
