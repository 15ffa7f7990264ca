"""`optimize hardware`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from optimizer.commands.shared import project
from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import read_json, write_json
from optimizer.hardware import hardware_profile
from optimizer.machine_settings import settings_of
from optimizer.progress import Progress, make_console
from optimizer.recommendations import recommendations, settings_of_kinds
from optimizer.reporters.machine import kinds_lines, machine_lines, settings_lines
from optimizer.subject import Tunable

_HINT = "It is written by optimize; remove it, and let it be written again"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Settings for a market: these bars.")
@click.option("--symbols", type=click.IntRange(min=1), help="Settings for a market of so many symbols.")
@click.option("--no-measure", is_flag=True, help="Read only what the system tells; measure nothing.")
@click.option("--write", is_flag=True, help="Put the settings into the engine's settings.toml.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where hardware.json goes, and where runs are; reports/ if not given.",
)
def hardware(data: Path | None, symbols: int | None, no_measure: bool, write: bool, out: Path | None) -> None:
    """Tell what this machine is, the settings that it calls for, and what to expect of others.

    Measures the bandwidth of the memory and how fast the storage of --out reads, in about 3 seconds, with a file of
    64 MiB there that is gone afterwards. Writes hardware.json.

    \b
    optimize hardware
    optimize hardware --data prices.parquet --write
    optimize hardware --symbols 500 --no-measure
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config, progress = project(), Progress(make_console())
    symbols = _symbols(config, data, symbols)
    if write and not isinstance(config.subject, Tunable):
        raise InputError(f"{config.subject.name} takes no settings", hint="Leave out --write")
    out = (out or config.reports).resolve()
    documents = _documents(out)
    profile = _profile(out, measure=not no_measure, progress=progress)

    settings_for = settings_of(config.subject, symbols)
    settings = settings_for(profile)
    kinds = settings_of_kinds(settings_for)
    write_json(out / "hardware.json", profile | {"settings": settings, "settings_of_kinds": kinds})
    progress.say("\n".join(machine_lines(profile)))
    if settings is not None:
        _tell_settings(config, settings, symbols, progress, write=write)
    progress.say("\nOther machines")
    progress.say("\n".join(kinds_lines(recommendations(documents | {"hardware": profile}, settings_for))))
    progress.say(f"\nWritten to {config.relative(out / 'hardware.json')}")


def _symbols(config: Config, data: Path | None, symbols: int | None) -> int | None:
    if data is None:
        return symbols
    if symbols is not None:
        raise InputError("--data and --symbols both name a market", hint="Give one of them")
    if not data.is_file():
        raise InputError("no such file", where=data, hint="Give the path of a file with bars")
    try:
        return config.subject.load((), data.resolve(), "drop").symbols
    except config.subject.input_errors as error:
        raise InputError(str(error)) from error


def _profile(out: Path, *, measure: bool, progress: Progress) -> dict[str, Any]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"can't be made ({error.strerror})", where=out, hint="Name another folder by --out") from error
    if not measure:
        return hardware_profile(folder=out)
    with progress.stage("Measuring memory and storage"):
        return hardware_profile(measure=True, folder=out)


def _tell_settings(
    config: Config, settings: Mapping[str, Any], symbols: int | None, progress: Progress, *, write: bool
) -> None:
    subject = config.subject
    assert isinstance(subject, Tunable)  # noqa: S101 - else there are no settings
    file = config.relative(subject.settings_file)
    market = f" and a market of {symbols} symbols" if symbols is not None else ""
    progress.say(f"\nSettings for this machine{market}")
    progress.say("\n".join(settings_lines(settings)))
    if write:
        try:
            subject.write_settings(settings)
        except config.subject.input_errors as error:
            raise InputError(str(error)) from error
        progress.say(f'Written to {file}; give a setting the value "auto" to leave it to the engine again')
    else:
        progress.say(f'The engine derives what {file} says is "auto"; --write puts these there')


def _documents(out: Path) -> dict[str, Any]:
    """Return what there is of the documents that figures can come from, beside that of the hardware."""
    files = {
        "run": out / "latest" / "run.json",
        "profile_after": out / "latest" / "profile-after.json",
        "scaling": out / "scaling.json",
    }
    return {name: read_json(file, hint=_HINT) for name, file in files.items() if file.is_file()}
