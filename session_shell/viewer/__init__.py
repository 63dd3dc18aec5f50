"""Saved scans as a person wants to see them: text, tables, trees, exports, pictures.

Everything here returns text, or yields it in lines; `session_shell.shell.showing` writes it.
h5py is loaded with what needs it, not with this package.
"""
