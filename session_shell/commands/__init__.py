"""The verbs that users type, by group; `VERBS` is what a session puts into its namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from session_shell.commands.control import (
    abort,
    add_preset,
    add_watchdog,
    remove_preset,
    resume,
    simulate,
)
from session_shell.commands.counting import ct, loopscan, sct, timescan
from session_shell.commands.deciding import userscan
from session_shell.commands.flying import fmesh, fscan
from session_shell.commands.info import (
    clear,
    describe,
    info,
    last_error,
    lscnt,
    lsconfig,
    lsmg,
    lsobj,
    metadata_profiling,
    prdef,
    show,
)
from session_shell.commands.logbook import elog_add, elog_plot, elog_print
from session_shell.commands.making import (
    Group,
    SoftAxis,
    SoftCounter,
    calc_counter,
    clock_counter,
    per_second,
    soft_axis,
    soft_counter,
)
from session_shell.commands.meshes import a3mesh, amesh, anmesh, d3mesh, dmesh, dnmesh
from session_shell.commands.motion import (
    move,
    mv,
    mvd,
    mvdr,
    mvr,
    rockit,
    stop,
    umv,
    umvd,
    umvdr,
    umvr,
    wait_move,
)
from session_shell.commands.peaks import (
    cen,
    com,
    find_position,
    fit,
    fwhm,
    goto_cen,
    goto_com,
    goto_custom,
    goto_min,
    goto_peak,
    peak,
    trough,
)
from session_shell.commands.plots import live_plot, plot, plotselect
from session_shell.commands.positions import lsmot, sta, stm, sync, wa, wm, wu
from session_shell.commands.proposals import (
    enddataset,
    endproposal,
    newcollection,
    newdataset,
    newproposal,
    newsample,
)
from session_shell.commands.replaying import replay_scan
from session_shell.commands.saved import open_scan, scan
from session_shell.commands.scripts import (
    load_script,
    sleep,
    unprotect,
    user_script_homedir,
    user_script_list,
    user_script_load,
    user_script_run,
)
from session_shell.commands.sequences import group, sequence
from session_shell.commands.walking import (
    a2scan,
    a3scan,
    a4scan,
    a5scan,
    anscan,
    ascan,
    d2scan,
    d3scan,
    d4scan,
    d5scan,
    dnscan,
    dscan,
    lineup,
    lookupscan,
    pointscan,
)

GROUPS: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "counting": (ct, loopscan, sct, timescan),
    "line scans": (
        ascan,
        dscan,
        a2scan,
        a3scan,
        a4scan,
        a5scan,
        d2scan,
        d3scan,
        d4scan,
        d5scan,
        anscan,
        dnscan,
        lookupscan,
        pointscan,
        lineup,
        userscan,
    ),
    "meshes": (amesh, dmesh, a3mesh, d3mesh, anmesh, dnmesh),
    "continuous scans": (fscan, fmesh),
    "sequences": (group, sequence),
    "control": (abort, add_preset, add_watchdog, remove_preset, resume, simulate),
    "motion": (
        lsmot,
        move,
        mv,
        mvd,
        mvdr,
        mvr,
        rockit,
        sta,
        stm,
        stop,
        sync,
        umv,
        umvd,
        umvdr,
        umvr,
        wa,
        wait_move,
        wm,
        wu,
    ),
    "making": (
        Group,
        SoftAxis,
        SoftCounter,
        calc_counter,
        clock_counter,
        per_second,
        soft_axis,
        soft_counter,
    ),
    "peaks": (
        cen,
        com,
        find_position,
        fit,
        fwhm,
        goto_cen,
        goto_com,
        goto_custom,
        goto_min,
        goto_peak,
        peak,
        trough,
    ),
    "plots": (live_plot, plot, plotselect),
    "data": (open_scan, replay_scan, scan),
    "proposals and datasets": (
        enddataset,
        endproposal,
        newcollection,
        newdataset,
        newproposal,
        newsample,
    ),
    "logbook": (elog_add, elog_plot, elog_print),
    "looking": (
        clear,
        info,
        last_error,
        lscnt,
        lsconfig,
        lsmg,
        lsobj,
        metadata_profiling,
        prdef,
    ),
    "scripts": (
        load_script,
        sleep,
        unprotect,
        user_script_homedir,
        user_script_list,
        user_script_load,
        user_script_run,
    ),
}
"""Commands by group, as the reference lists them."""

VERBS: Mapping[str, Callable[..., Any]] = {
    verb.__name__: verb for group in GROUPS.values() for verb in group
}
"""Commands by name."""

__all__ = ["GROUPS", "VERBS", "describe", "show", *VERBS]
