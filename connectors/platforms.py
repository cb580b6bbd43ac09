"""Registrations: the record of a dataset, from a TOML or JSON file."""

import json
import tomllib
from pathlib import Path

from pydantic import ValidationError

from dqv.core.errors import RegistrationError
from dqv.core.locate import explain
from dqv.core.registration import Registration

_MOST_BYTES = 4 * 2**20


def load_registration(path: Path) -> Registration:
    """Read a registration file, by its suffix .toml or .json.

    Raises:
        RegistrationError: names the file and the line or field.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RegistrationError(
                f"registration {path}: larger than {_MOST_BYTES} bytes; this is no registration"
            )
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistrationError(f"registration {path} cannot be read as UTF-8 text: {error}") from error
    try:
        if path.suffix == ".toml":
            values = tomllib.loads(text)
        elif path.suffix == ".json":
            values = json.loads(text)
        else:
            raise RegistrationError(f"registration {path}: the name must end in .toml or .json")
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RegistrationError(f"registration {path} is not {path.suffix[1:].upper()}: {error}") from error
    try:
        return Registration.model_validate(values)
    except ValidationError as error:
        raise RegistrationError(f"registration {path} is not usable: {explain(error, text)}") from error
