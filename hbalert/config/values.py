"""What a single value of the configuration may be: durations, secrets, addresses, files, names.

Knows how each is spelt in TOML and how a secret or a file is looked up. Must not know which keys
there are (`types.py`) nor where a value stands (`validate.py`).

A secret `x` is spelt `x = "..."`, `x_file = "path"` or `x_env = "NAME"`; looking it up needs to know
where the configuration is: see `Surroundings`. Texts of complaints never hold the secret.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticKnownError

from hbalert.config.duration import parse_duration
from hbalert.config.nearest import did_you_mean
from hbalert.config.secret import Secret

MAX_SECRET_BYTES = 64 * 1024


# --- where we are ------------------------------------------------------------------------------


@dataclass(slots=True)
class Surroundings:
    """What looking up a secret or a file needs.

    root       folder of config.toml; relative paths are below it
    environ    the environment variables
    look_up    False for a disabled notifier: its secrets and files need not exist
    variables  names of the variables that were asked for, for whoever looks for unused ones
    loose      (key, path as written) of secret files that everybody on this machine can read
    """

    root: Path
    environ: Mapping[str, str]
    look_up: bool = True
    variables: set[str] = field(default_factory=set)
    loose: list[tuple[str, str]] = field(default_factory=list)


_surroundings: ContextVar[Surroundings | None] = ContextVar("surroundings", default=None)


@contextmanager
def within(surroundings: Surroundings) -> Iterator[None]:
    """Secrets and files are looked up there while the block runs."""
    token = _surroundings.set(surroundings)
    try:
        yield
    finally:
        _surroundings.reset(token)


# --- secrets -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecretReference:
    """How a secret is spelt in TOML: key -> what stands there."""

    spellings: Mapping[str, Any]


def gather_spellings(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`table` with `x_file` and `x_env` of the secret `x` put together under `x`."""
    keys = [key for key in (name, f"{name}_file", f"{name}_env") if key in table]
    if keys in ([], [name]):
        return dict(table)
    rest = {key: value for key, value in table.items() if key not in keys}
    return {**rest, name: SecretReference({key: table[key] for key in keys})}


def _secret(value: Any) -> Any:
    if isinstance(value, str):
        if not value:
            raise ValueError("the secret is empty")
        return Secret(value)
    if not isinstance(value, SecretReference):
        return value
    if len(value.spellings) > 1:
        raise ValueError(f"{' and '.join(value.spellings)} are both given; keep exactly one of them")
    ((key, text),) = value.spellings.items()
    where = _surroundings.get()
    if not isinstance(text, str) or where is None:
        raise ValueError(f"{key} must be a text")
    if not where.look_up:
        if key.endswith("_env"):
            where.variables.add(text)
        return Secret("")
    return Secret(_from_file(key, text, where) if key.endswith("_file") else _from_variable(text, where))


def _from_variable(name: str, where: Surroundings) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("what stands there is not the name of an environment variable")
    where.variables.add(name)
    text = where.environ.get(name, "").rstrip("\r\n")
    if not text:
        state = "empty" if name in where.environ else "not set"
        raise ValueError(f"the environment variable {name} is {state}; set it to the secret")
    return text


def place(name: str, where: Surroundings) -> Path:
    """Where a file is: below the configuration, or among systemd's credentials."""
    path = where.root / name
    folder = where.environ.get("CREDENTIALS_DIRECTORY", "")
    credential = Path(folder) / name
    is_credential = name and folder and "/" not in name and not os.path.exists(path)
    return credential if is_credential and os.path.exists(credential) else path


def _from_file(key: str, text: str, where: Surroundings) -> str:
    if "://" in text or not text.isprintable() or not text:
        raise ValueError(f'what stands there is not a file name; write {key.removesuffix("_file")} = "..."')
    path = place(text, where)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{text} is not a file")
        if status.st_size > MAX_SECRET_BYTES:
            raise ValueError(f"{text} is larger than a secret can be ({MAX_SECRET_BYTES} bytes)")
        secret = path.read_bytes().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{text} is not UTF-8 text") from None
    except FileNotFoundError:
        folder = where.environ.get("CREDENTIALS_DIRECTORY", "")
        also = f", or {text} into $CREDENTIALS_DIRECTORY" if "/" not in text and folder else ""
        raise ValueError(
            f"the file {text} does not exist; put the secret into {where.root / text}{also}"
        ) from None
    except OSError as error:
        raise ValueError(f"{text} cannot be read: {os.strerror(error.errno or 0)}") from None
    if not secret:
        raise ValueError(f"{text} is empty; put the secret into it")
    if status.st_mode & stat.S_IROTH:
        where.loose.append((key, text))
    return secret


def _web_address(value: Secret) -> Secret:
    """Its text stays out of the complaint: the path of a webhook's URL is often its only secret."""
    where = _surroundings.get()
    if (where is None or where.look_up) and not is_web_address(value.reveal()):
        raise ValueError('this is not a web address; write "https://host/path"')
    return value


def is_web_address(text: str) -> bool:
    """Whether `text` is a URL with http or https and a host."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(good and re.fullmatch(r"\S+", text))


SecretText = Annotated[Secret, BeforeValidator(_secret)]
SecretUrl = Annotated[Secret, BeforeValidator(_secret), AfterValidator(_web_address)]


# --- other values ------------------------------------------------------------------------------


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        return parse_duration(value)
    if not isinstance(value, timedelta):
        raise ValueError('a duration is a text with its unit; write for example "90s", "5m" or "1h30m"')
    return value


def _moment(value: Any) -> Any:
    """A moment as TOML or RFC 3339 writes it, aware; without an offset it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no date; write for example 2027-01-31") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if not isinstance(value, datetime):
        raise ValueError("this is no date; write for example 2027-01-31, without quotes")
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this date is out of range") from None


def _file(value: Any) -> Any:
    where = _surroundings.get()
    if not isinstance(value, str) or where is None:
        return value
    path = place(value, where)
    if where.look_up and not (value and os.path.isfile(path)):
        raise ValueError(f"the file {value!r} does not exist; it is looked for at {path}")
    return path.absolute()


def _header_map(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"{name!r} is not the name of an HTTP header")
        if not re.fullmatch(r"[\t\x20-\x7e]*", text):
            raise ValueError(f"the value of {name!r} holds a line break or other letters than ASCII")
    return value


def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone. Raises ValueError with what is right."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = did_you_mean(name, available_timezones()) or 'write for example "Asia/Shanghai" or "UTC"'
        raise ValueError(f"{name!r} is not a time zone; {near}") from None


def _time_zone(value: str) -> str:
    time_zone(value)
    return value


def _no_truth(kind: Literal["int_type", "float_type"]) -> Callable[[Any], Any]:
    """Lets everything pass but true and false, which pydantic would take for 1 and 0."""

    def check(value: Any) -> Any:
        if isinstance(value, bool):
            raise PydanticKnownError(kind)
        return value

    return check


Whole = Annotated[int, BeforeValidator(_no_truth("int_type"))]
Number = Annotated[float, BeforeValidator(_no_truth("float_type"))]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
File = Annotated[Path, BeforeValidator(_file)]
HeaderMap = Annotated[Mapping[str, str], AfterValidator(_header_map)]
WebUrl = Annotated[str, AfterValidator(lambda text: _web_address(Secret(text)).reveal())]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
