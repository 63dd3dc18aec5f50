"""Change a list in a YAML file at the prompt: comments stay, and the rest byte for byte.

Only the lines of the list are written anew, by a round trip of ruamel.yaml. The file is read at
the moment of the change, so that what an editor saved meanwhile is kept, and replaced as a whole:
it is the old one or the new one at any instant. What was made is read back and compared before
anything is written.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from session_shell.config.descriptions import ObjectDescription
from session_shell.config.problems import one_line
from session_shell.errors import ConfigError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node

Change = Callable[[Any], None]
"""Gets the list, to be changed in place; raises to leave the file as it is."""

_TRIES = 5
_BOM = b"\xef\xbb\xbf"
_WRITABLE = 0o222


class _Block(NamedTuple):
    """Lines of a file that hold one key of an object and its value; `last` is excluded."""

    first: int
    last: int
    indent: int


def edit_list(description: ObjectDescription, key: str, change: Change) -> Path:
    """Change the list that an object has under `key`, in the file that defines the object.

    Returns the file. Raises `ConfigError`, and leaves the file as it is, when the object or the
    list is not there (any more), or when the file cannot be read or written; and what `change`
    raises.
    """
    if key in description.inherited:
        file, line = description.inherited[key]
        text = f"{description.name} inherits `{key}` from here: change it by hand"
        raise ConfigError(text, file=file, line=line)
    file = description.file.resolve()
    for _ in range(_TRIES):
        raw = _read(file)
        new = _changed(raw, description, key, change)
        if _replace(file, raw, new):
            return file
    raise ConfigError("this file changes all the time; nothing was written to it", file=file)


def _read(file: Path) -> bytes:
    try:
        if not file.stat().st_mode & _WRITABLE or not os.access(file, os.W_OK):
            raise ConfigError("this file is read-only; nothing was changed", file=file)
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"this file cannot be read ({reason})", file=file) from error


def _replace(file: Path, before: bytes, after: bytes) -> bool:
    """Put `after` in the place of the file, False when it is no longer as it was `before`."""
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(file, part)
        if file.read_bytes() != before:
            return False
        part.replace(file)
        part = None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"this file cannot be written ({reason}); nothing was changed", file=file
        ) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()
    return True


def _changed(raw: bytes, description: ObjectDescription, key: str, change: Change) -> bytes:
    """Return the content of the file with the list changed."""
    from ruamel.yaml.error import YAMLError

    file = description.file
    bom = _BOM if raw.startswith(_BOM) else b""
    try:
        text = raw.removeprefix(bom).decode("utf-8")
        windows = "\r\n" in text
        text = text.replace("\r\n", "\n")
        new = _changed_text(text, description, key, change)
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"this file cannot be read as it is now ({one_line(error)}); nothing was changed",
            file=file,
        ) from error
    return bom + (new.replace("\n", "\r\n") if windows else new).encode("utf-8")


def _changed_text(text: str, description: ObjectDescription, key: str, change: Change) -> str:
    from ruamel.yaml import YAML

    block = _find_block(text, description, key)
    lines = text.split("\n")
    old = lines[block.first : block.last]
    snippet = "\n".join(line[block.indent :] if line.strip() else "" for line in old) + "\n"
    before, expected = (YAML(typ="safe", pure=True).load(snippet)[key] for _ in range(2))
    if not isinstance(expected, list):
        raise _refusal(description, f"`{key}` is no list")
    change(expected)
    made_text = _by_item(snippet, before, expected, key, change)
    if made_text is None:
        made_text = _dumped(snippet, key, change)
    made = [f"{' ' * block.indent}{line}".rstrip() for line in made_text.split("\n")]
    while made and not made[-1]:
        made.pop()
    trailing = len(old) - len("\n".join(old).rstrip("\n").split("\n"))
    new = "\n".join([*lines[: block.first], *made, *[""] * trailing, *lines[block.last :]])
    _check(text, new, description, key, expected)
    return new


def _dumped(snippet: str, key: str, change: Change) -> str:
    yaml = _round_trip(snippet)
    data = yaml.load(snippet)
    change(data[key])
    _style(data[key])
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _by_item(
    snippet: str, before: list[Any], after: list[Any], key: str, change: Change
) -> str | None:
    """Return the lines with only one item removed, changed or added; None for anything else.

    ruamel.yaml would wrap the lines of all items anew, and take the comment above an item away
    with the one before it.
    """
    from ruamel.yaml import YAML

    items = YAML(typ="safe", pure=True).compose(snippet).value[0][1]
    if not after or not before or items.flow_style:
        return None
    lines = snippet.rstrip("\n").split("\n")
    if before == after[:-1]:
        made = _dumped_items(snippet, key, after[-1:], lines, items.value[-1])
        last = _end(snippet, items.value[-1], _dash(lines, items.value[-1])[1])
        return "\n".join([*lines[:last], *made, *lines[last:]]) + "\n"
    gone = [i for i in range(len(before)) if before[:i] + before[i + 1 :] == after]
    other = [i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
    if not gone and (len(before) != len(after) or len(other) != 1):
        return None
    node = items.value[(gone or other)[0]]
    first, column = _dash(lines, node)
    last = _end(snippet, node, column)
    if gone:
        if last < len(lines) and not lines[last].strip():
            last += 1  # the blank line that set it off
        return "\n".join(lines[:first] + lines[last:]) + "\n"
    head = snippet.split("\n", 1)[0]
    part = _dumped("\n".join([head, *lines[first:last], ""]), key, change).rstrip("\n").split("\n")
    return "\n".join([*lines[:first], *part[1:], *lines[last:]]) + "\n"


def _dumped_items(snippet: str, key: str, new: list[Any], lines: list[str], like: Any) -> list[str]:
    """Write new items in lines, indented as the item `like` is."""
    from ruamel.yaml.comments import CommentedMap

    stream = StringIO()
    _round_trip(snippet).dump(CommentedMap({key: _style(new)}), stream)
    written = stream.getvalue().rstrip("\n").split("\n")[1:]
    shift = _dash(lines, like)[1] - (len(written[0]) - len(written[0].lstrip()))
    return [" " * shift + line for line in written]


def _dash(lines: list[str], node: Any) -> tuple[int, int]:
    """Return line and column of the dash before an item."""
    first = node.start_mark.line
    while not lines[first].lstrip().startswith("-"):
        first -= 1
    return first, lines[first].index("-")


def _round_trip(snippet: str) -> Any:
    """Return a parser that writes lists as far to the right as they are."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    dash = re.search(r"^( *)-", snippet, re.MULTILINE)
    offset = len(dash[1]) if dash else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _style(items: Any) -> Any:
    """Write new mappings that hold only plain values in one line: ``{axis: $roby, ...}``."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    def styled(value: Any, depth: int) -> Any:
        if isinstance(value, (CommentedMap, CommentedSeq)):
            for index, item in value.items() if isinstance(value, dict) else enumerate(value):
                value[index] = styled(item, depth + 1)
            return value
        if isinstance(value, dict):
            made = CommentedMap({k: styled(v, depth + 1) for k, v in value.items()})
            if depth > 1 and not any(isinstance(v, (dict, list)) for v in value.values()):
                made.fa.set_flow_style()
            return made
        if isinstance(value, list):
            return CommentedSeq([styled(item, depth + 1) for item in value])
        return value

    return styled(items, 0)


def _find_block(text: str, description: ObjectDescription, key: str) -> _Block:
    from ruamel.yaml import YAML

    top = YAML(typ="safe", pure=True).compose(text)
    for mapping in _mappings(top):
        values = {k.value: (k, v) for k, v in mapping.value}
        if "name" not in values or values["name"][1].value != description.name or key not in values:
            continue
        if mapping.flow_style:
            raise _refusal(description, "it is written in braces: write its keys in lines")
        first = values[key][0].start_mark
        return _Block(first.line, _end(text, values[key][1], first.column), first.column)
    raise _refusal(description, f"it is not there any more with `{key}`; was the file edited?")


def _mappings(top: Node | None) -> Iterator[MappingNode]:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    waiting: list[Any] = [top]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            yield node
            waiting += [value for _, value in node.value]
        elif isinstance(node, SequenceNode):
            waiting += node.value


def _end(text: str, value: Node, indent: int) -> int:
    """Return the line after the last one of a value."""
    lines = text.split("\n")
    mark = value.end_mark
    end: int = mark.line + (1 if mark.column > 0 and lines[mark.line][: mark.column].strip() else 0)
    # What follows, up to the next key, is the affair of that key, unless it is indented deeper.
    while end > 0 and not lines[end - 1].strip():
        end -= 1
    while end > 0 and lines[end - 1].lstrip().startswith("#"):
        if len(lines[end - 1]) - len(lines[end - 1].lstrip()) > indent:
            break
        end -= 1
        while end > 0 and not lines[end - 1].strip():
            end -= 1
    return end


def _check(text: str, new: str, description: ObjectDescription, key: str, wanted: Any) -> None:
    """Read both texts and see that the list is what it should be, and all else as it was."""
    from ruamel.yaml import YAML

    def content(of: str) -> Any:
        return YAML(typ="safe", pure=True).load(of)

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            mine = value.get("name") == description.name and key in value
            return {k: wanted if mine and k == key else replaced(item) for k, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    if content(new) != replaced(content(text)):
        raise _refusal(description, "its lines cannot be changed without harm: change them by hand")


def _refusal(description: ObjectDescription, why: str) -> ConfigError:
    return ConfigError(
        f"{description.name}: {why}; nothing was changed",
        file=description.file,
        line=description.line,
    )
