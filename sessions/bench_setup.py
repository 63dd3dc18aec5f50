"""Setup of the bench session; demo_setup.py was run before it."""


def repeatability(axis, distance=1, times=5):
    """Move there and back some times; return how far off the axis comes back, in its unit."""
    home = axis.position
    errors = []
    for _ in range(times):
        umv(axis, home + distance)
        umv(axis, home)
        errors.append(axis.measured_position - home)
    return errors
