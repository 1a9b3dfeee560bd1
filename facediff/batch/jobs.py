"""A file of jobs, JSON Lines or CSV, checked line by line. What it says is not trusted."""

from __future__ import annotations

import codecs
import contextlib
import csv
import glob
import io
import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facediff.batch.options import Option, Scalar
from facediff.errors import ConfigError, InputError
from facediff.media.codings import OUTPUT_SUFFIXES, TRANSPARENT_SUFFIXES
from facediff.options.files import place_files
from facediff.options.staging import TRANSPARENT
from facediff.system.files import is_saved_avatar

JOB_SUFFIXES = (".jsonl", ".ndjson", ".csv")
MAX_JOBS, MAX_FILE_BYTES = 100_000, 256_000_000

_RESERVED = frozenset('<>:"|?*\\/')  # in names, by one file system or another
_MAX_NAME_BYTES = 200
_MAX_STEM = 60
_SEPARATORS = ",;\t"  # Excel writes semicolons where the comma is the decimal sign, and tabs as 'Unicode text'
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)  # a first line by which Excel is told


@dataclass(frozen=True)
class Task:
    """A kind of job.

    Attributes:
        inputs: The fields that name its input files, in order.
        options: Its options by name.
        instead: Inputs that may be left out, with the options that take their place.
    """

    inputs: tuple[str, ...]
    options: Mapping[str, Option]
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One clip to be made.

    Attributes:
        line: Where the file of jobs asks for it, from 1.
        task: The kind of job.
        inputs: Its input files by field.
        options: All options of the task, defaults included.
        output: Name of the result in the output folder, with ``/`` between its parts; empty where none is given.
    """

    line: int
    task: str
    inputs: Mapping[str, Path]
    options: Mapping[str, Scalar]
    output: str


def read_jobs(path: str | Path, tasks: Mapping[str, Task], output: str | Path) -> list[Job]:
    """The jobs that a file asks for, in order, each with a name of its own for the result.

    A pattern (``*``, ``?``, ``[...]``, ``**``) among the inputs becomes one job for each match, in alphabetical order;
    what lies in the output folder does not match. Exact repetitions without a name of their own are left out. A
    result without a name joins the stems of the inputs, numbered from the second of one name on.

    Args:
        path: JSON Lines (``.jsonl``, ``.ndjson``) or CSV; relative paths in it are relative to its folder.
        tasks: Kinds of jobs by name.
        output: Folder of the results, where no input may lie.

    Raises:
        InputError: The file cannot be read, a line is not a job, or two lines name one result.
    """
    path, output = Path(path), Path(output)
    jobs: list[Job] = []
    for line, fields in _lines(path):
        try:
            jobs += itertools.islice(
                _jobs(line, fields, path.suffix.lower() == ".csv", tasks, path.parent, output), MAX_JOBS + 1 - len(jobs)
            )
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
        if len(jobs) > MAX_JOBS:
            raise InputError(f"{path} asks for more than {MAX_JOBS} clips; split it")
    if not jobs:
        raise InputError(f"{path} holds no job")
    return _named(path, jobs)


def check_name(name: str, *, is_transparent: bool = False) -> str:
    """The name of a result as it is taken: inside the output folder, visible, of a kind that can be written.

    Args:
        name: With ``/`` between its parts; ``.mp4`` is added where there is no ending.
        is_transparent: Whether its frames are; then it is ``.webm``.

    Raises:
        InputError: It could leave the folder, hide in it, or is no name on some file system.
    """
    parts = name.split("/")
    if any(not part or part.startswith(".") for part in parts):
        raise InputError(
            f"output {name[:80]!r} must be a name inside the output folder, and no part may start with '.'"
        )
    if not name.isprintable() or any(_RESERVED & set(part) for part in parts):
        raise InputError(f"output {name[:80]!r} holds characters that do not belong into a file's name")
    if any(len(part.encode()) > _MAX_NAME_BYTES for part in parts) or len(parts) > 8:
        raise InputError(f"output {name[:80]!r} is too long a name")
    suffix = os.path.splitext(parts[-1])[1]
    if not suffix:
        return f"{name}{_usual_suffix(is_transparent)}"
    known = TRANSPARENT_SUFFIXES if is_transparent else OUTPUT_SUFFIXES
    if suffix.lower() not in known:
        needs = f"; {suffix} is written where background=transparent" if suffix.lower() in TRANSPARENT_SUFFIXES else ""
        raise InputError(f"output {name[:80]!r} must end in one of {', '.join(known)}{needs}")
    return name


def _usual_suffix(is_transparent: bool) -> str:
    return TRANSPARENT_SUFFIXES[0] if is_transparent else OUTPUT_SUFFIXES[0]


def _is_transparent(options: Mapping[str, Scalar]) -> bool:
    return options.get("background") == TRANSPARENT


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and fields of each line; values of a table are text."""
    if path.suffix.lower() not in JOB_SUFFIXES:
        raise InputError(f"{path} must end in one of {', '.join(JOB_SUFFIXES)}")
    try:
        if not path.is_file():
            raise InputError(f"there is no file of jobs at {path}")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} is larger than {MAX_FILE_BYTES / 1e6:g} MB; split it")
        text = path.read_text(encoding=_encoding_of(path))
    except UnicodeError as error:
        raise InputError(f"{path} is not text in UTF-8 or in UTF-16 with its mark; save it as 'CSV UTF-8'") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    yield from (_table if path.suffix.lower() == ".csv" else _json_lines)(path, text)


def _encoding_of(path: Path) -> str:
    """How its text is coded, by its first bytes: Excel writes UTF-16 where it says Unicode."""
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                fields = json.loads(line, object_pairs_hook=_without_repetition)
            except (ValueError, RecursionError) as error:
                said = str(error) if isinstance(error, InputError) else "it is not JSON"
                raise InputError(f"{path}, line {number}: {said}") from error
            if not isinstance(fields, dict):
                raise InputError(f"{path}, line {number}: a job is an object, {{...}}, on a line of its own")
            yield number, fields


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InputError("a field is given twice")
    return fields


def _table(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    lines = io.StringIO(text, newline="")
    said = _SEPARATOR_LINE.match(text)
    skipped = 0 if said is None else 1
    for _ in range(skipped):
        lines.readline()
    separator = _separator_of(text) if said is None else said[1]
    reader = csv.DictReader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        names = [name for name in reader.fieldnames or () if name]
        if len(set(names)) < len(names):
            raise InputError(f"{path}, line {1 + skipped}: a column is given twice")
        for row in reader:
            if None in row:
                raise InputError(f"{path}, line {reader.line_num + skipped}: there are more cells than columns")
            yield reader.line_num + skipped, {name: cell for name, cell in row.items() if cell and cell.strip()}
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + skipped}: it is not CSV ({error})") from error


def _separator_of(text: str) -> str:
    """What stands between the cells of a table: a comma, or what else the names of its columns are read by."""
    names = text.partition("\n")[0]
    for separator in _SEPARATORS:
        with contextlib.suppress(csv.Error):
            columns = next(csv.reader([names], delimiter=separator, skipinitialspace=True), [])
            if "task" in (name.strip() for name in columns):
                return separator
    return ","


def _jobs(
    line: int, fields: Mapping[str, Any], is_text: bool, tasks: Mapping[str, Task], folder: Path, output: Path
) -> Iterator[Job]:
    """The jobs of one line, whose values are all text in a table."""
    kind = fields.get("task")
    if not isinstance(kind, str) or kind not in tasks:
        said = "there is no field 'task'" if kind is None else f"there is no task {str(kind)[:80]!r}"
        raise InputError(f"{said}; it is one of {', '.join(tasks)}")
    task = tasks[kind]
    known = ("task", *task.inputs, "output", *task.options)
    if unknown := [str(name) for name in fields if name not in known]:
        raise InputError(f"{kind} has no field {unknown[0][:80]!r}; it takes {', '.join(known[1:])}")
    options: dict[str, Scalar] = {}
    for name, option in task.options.items():
        read = option.of_text if is_text else option.of_json
        options[name] = read(fields[name]) if name in fields else option.default
        if option.opt.names_model:
            options[name] = _place(folder, options[name])
        if option.opt.names_files and isinstance(value := options[name], str):
            options[name] = _place_files(folder, name, value)
    if isinstance(keyed := options.get("keyframes"), str):
        options["keyframes"] = os.path.abspath(folder / keyed)
    has = {name for name, value in options.items() if value is not None}
    needed = [name for name in task.inputs if name in fields or not has & set(task.instead.get(name, ()))]
    found = [_matches(folder, name, fields.get(name), output) for name in needed]
    name = fields.get("output", "")
    if not isinstance(name, str):
        raise InputError(f"output is text, not {str(name)[:80]!r}")
    if name and math.prod(map(len, found)) > 1:
        raise InputError("output names one result, but the inputs match several files; leave it out")
    path = name and check_name(name, is_transparent=_is_transparent(options))
    for paths in itertools.product(*found):
        yield Job(line, kind, dict(zip(needed, paths, strict=True)), options, path)


def _place(folder: Path, value: Scalar) -> Scalar:
    """Where a folder is that an option names by its path; other values as they are."""
    if isinstance(value, str) and set("/\\") & set(value) and os.path.isdir(folder / value):
        return os.path.abspath(folder / value)
    return value


def _place_files(folder: Path, name: str, value: str) -> str:
    """What an option says of files, so that it means the same wherever the job is done."""
    try:
        return place_files(name, value, folder)
    except ConfigError as error:
        raise InputError(str(error)) from error


def _matches(folder: Path, name: str, text: object, output: Path) -> list[Path]:
    """The files that a field names; one that is not there stays, to be reported when its turn comes."""
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"there is no field {name!r}" if text is None else f"{name} is the path of a file")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InputError(f"{name} is the path of a file, and no file can have such a name") from error
    root = os.path.realpath(output)
    path = Path(os.path.abspath(folder / text))
    if os.path.exists(path) or not glob.has_magic(text):
        if _is_inside(path, root):
            raise InputError(f"{name} lies in the output folder; give the results a folder of their own")
        return [path]
    pattern = text if os.path.isabs(text) else os.path.join(glob.escape(os.path.abspath(folder)), text)
    found = sorted(Path(os.path.abspath(match)) for match in glob.iglob(pattern, recursive=True))
    free = [match for match in found if not _is_inside(match, root)]
    folders = [match for match in free if match.is_dir()] if name == "driving" else []  # of frames
    return [one for one in free if one.is_file() or (name == "source" and is_saved_avatar(one))] or folders or [path]


def _is_inside(path: Path, root: str) -> bool:
    real = os.path.realpath(path)
    return real == root or real.startswith(os.path.join(root, ""))


def _named(path: Path, jobs: list[Job]) -> list[Job]:
    """Each job with a name that no other has, on any file system."""
    taken: dict[str, int] = {}
    for job in jobs:
        if job.output and (other := taken.setdefault(job.output.casefold(), job.line)) != job.line:
            raise InputError(f"{path}, line {job.line}: {job.output} is the result of line {other} already")
    named, seen = [], set()
    for job in jobs:
        if not job.output:
            content = (job.task, tuple(job.inputs.items()), tuple(job.options.items()))
            if content in seen:
                continue
            seen.add(content)
            job = replace(job, output=_free_name(job, taken))
            taken[job.output.casefold()] = job.line
        named.append(job)
    return named


def _free_name(job: Job, taken: Mapping[str, int]) -> str:
    stems = (_plain(path.stem) for path in job.inputs.values())
    stem = "-".join(stem for stem in stems if stem) or "clip"
    suffix = _usual_suffix(_is_transparent(job.options))
    names = itertools.chain((f"{stem}{suffix}",), (f"{stem}-{k}{suffix}" for k in itertools.count(2)))
    return next(name for name in names if name.casefold() not in taken)


def _plain(stem: str) -> str:
    """A stem of a file's name, as a part of another."""
    plain = "".join(c if c.isprintable() and c not in _RESERVED else "_" for c in stem).lstrip(".")
    return plain.encode()[:_MAX_STEM].decode(errors="ignore")
