"""Which files the checks of this folder read."""
import pathlib

# Files here are wrong on purpose.
EXEMPT = ("tests/compile_fail/",)


def files(paths, suffixes):
    """Every file with one of the suffixes among `paths`, which are files or folders."""
    for path in map(pathlib.Path, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in suffixes and not any(part in file.as_posix() for part in EXEMPT):
                yield file


def code_files(paths):
    return files(paths, {".hpp", ".cpp"})
