"""The YAML tree: read it, check it, build what it describes."""

from __future__ import annotations

from session_shell.config.builder import Builder
from session_shell.config.check import check_configuration, with_unbuilt
from session_shell.config.configuration import Configuration, load_configuration
from session_shell.config.descriptions import (
    ObjectDescription,
    SessionDescription,
    SessionPlan,
)
from session_shell.config.new import new_session
from session_shell.config.problems import Problem, place, sorted_problems

__all__ = [
    "Builder",
    "Configuration",
    "ObjectDescription",
    "Problem",
    "SessionDescription",
    "SessionPlan",
    "check_configuration",
    "load_configuration",
    "new_session",
    "place",
    "sorted_problems",
    "with_unbuilt",
]
