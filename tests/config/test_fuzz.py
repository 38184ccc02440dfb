"""Whatever stands in a configuration folder: findings with a place, never a traceback, a hang or a secret.

The example folder is damaged in every way that a hand, an editor or a broken program could: bytes, keys,
types, nesting, sizes, encodings, and things in the folder that are no files.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbalert.config.findings import Finding, Severity
from hbalert.config.load import check, check_files
from tests.cli.daemon import run
from tests.cli.process import Process, running, until

ROOT = Path(__file__).parents[2]
CANARY = "canary-8d1f"
"""Stands wherever a secret does; nothing may ever print it."""

SECRETS = {
    "notifiers/ding.toml": (
        f'type = "dingtalk"\nwebhook_url = "https://x.example/{CANARY}"\nsecret = "{CANARY}"\n'
    ),
    "notifiers/mail.toml": (
        'type = "email"\nsmarthost = "smtp.example.com"\nfrom = "a@example.com"\nto = ["b@example.com"]\n'
        f'username = "u"\npassword = "{CANARY}"\n'
    ),
    "notifiers/hook.toml": (
        f'type = "webhook"\nurl = "https://x.example/{CANARY}"\nbearer_token = "{CANARY}"\n'
        f'[headers]\nX-A = "b"\n'
    ),
    "notifiers/sms.toml": (
        'type = "sms"\nto = ["+8613800138000"]\n[gateway]\nprovider = "http"\nurl = "https://x.example/"\n'
        f'[gateway.secrets]\nkey = "{CANARY}"\n'
    ),
}


def shipped() -> dict[str, bytes]:
    """The example folder, with destinations that hold secrets beside it."""
    files = {"config.toml": (ROOT / "config.example.toml").read_bytes()}
    for folder in ("rules", "notifiers"):
        for path in sorted((ROOT / folder).glob("*.toml")):
            files[f"{folder}/{path.name}"] = path.read_bytes()
    return files | {name: text.encode() for name, text in SECRETS.items()}


FILES = shipped()
NAMES = sorted(FILES)
TABLES = {name: tomllib.loads(content.decode()) for name, content in FILES.items()}

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def fuzzed(examples: int) -> settings:
    """As many examples as are worth their time; FUZZ=20 tries twenty times as many."""
    return settings(
        max_examples=examples * int(os.environ.get("FUZZ", "1")), deadline=None, suppress_health_check=SLOW
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example folder, written once; a test damages one file and mends it."""
    made = tmp_path_factory.mktemp("fuzzed")
    for name, content in FILES.items():
        path = made / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return made


def looked_at(folder: Path, name: str, content: bytes) -> list[Finding]:
    """The findings about the folder with this content of one file."""
    path = folder / name
    path.write_bytes(content)
    try:
        config, found = check(folder / "config.toml", {})
        assert (config is None) is any(each.severity is Severity.ERROR for each in found)
        if name != "config.toml":
            check_files([path], folder / "config.toml", {})
            check_files([path], None, {})
        return found
    finally:
        path.write_bytes(FILES[name])


WITHOUT_LINE = {"syntax", "unreadable", "no-file", "name", "missing", "duplicate"}
"""Codes of findings about a file as a whole."""


def assert_sound(found: list[Finding], folder: Path) -> None:
    """Each finding says where, and what, on one line that a terminal survives."""
    for each in found:
        assert each.file.startswith(str(folder)) or each.file == "environment"
        assert each.line >= 0
        assert each.what
        assert each.line > 0 or each.file == "environment" or each.code in WITHOUT_LINE
        json.dumps([each.file, each.key, each.what, each.instead])


def test_the_folder_is_sound_before_it_is_damaged(folder: Path) -> None:
    config, found = check(folder / "config.toml", {})
    assert config is not None
    assert [str(each) for each in found if each.severity is Severity.ERROR] == []


# --- bytes -------------------------------------------------------------------------------------

PIECES = [
    *(
        b"\x00 \xef\xbb\xbf \xff\xfe \xc3\x28 \r \r\n \n\n [ [[ ] ]] { } , = . ' \" \"\"\" ''' # \\ "
        b"\\u0000 \\uD800 \\x41 [route] [[route]] [a.b.c] a.b=1 = x true inf -inf nan 1e999 1979-05-27 "
        b"0x7fffffffffffffff 07:32:00 1979-05-27T07:32:00Z 9999-12-31T23:59:59+23:59 \xe2\x80\xae "
        b"\xf0\x9f\x91\xbe \x1b[2J"
    ).split(b" "),
    *(b"9" * 5000, b"[" * 3000, b"{a=" * 1500, b"a." * 3000, b"'" * 1000, b"\n" * 5000),
]


@fuzzed(60)
@given(data=st.data())
def test_damaged_bytes_are_findings(data: st.DataObject, folder: Path) -> None:
    name = data.draw(st.sampled_from(NAMES))
    content = FILES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 0, 1, 2, 10, 100, len(content)]))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        content = content[:begin] + piece + content[begin + length :]
    found = looked_at(folder, name, content)
    assert_sound(found, folder)
    if any(each.code == "syntax" for each in found):
        assert CANARY not in str([str(each) for each in found])


# --- keys, types, nesting ----------------------------------------------------------------------

ODD_TEXTS = st.text(max_size=10) | st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\x1b[2J",
        "\u202e",
        "*",
        "**",
        "[",
        "../..",
        "/",
        "/dev/zero",
        "/dev/stdin",
        "~",
        "a" * 5000,
        "https://[",
        "http://x:99999",
        "unix:",
        "unix:/" + "a" * 500,
        "[::1]:0",
        "1" * 400 + "d",
        "0s",
        "999999999999d",
        "(",
        "{{",
        "{{ 1/0 }}",
        "up == 0",
        "rate(x[",
        'a = "b"',
        "sha256:",
        "+86",
        "Mars/Olympus",
        "${HOME}",
    ]
)
ODD_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | ODD_TEXTS
    | st.sampled_from(
        [date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), time(1, 2)]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXTS, inner, max_size=3),
    max_leaves=6,
)

Place = tuple[Any, Any]


def places(value: Any) -> list[Place]:
    """Every (container, key) in a document."""
    found: list[Place] = []
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def is_secret(place: Place) -> bool:
    container, key = place
    return CANARY in str(container[key])


def replaced(place: Place, data: st.DataObject) -> None:
    container, key = place
    container[key] = data.draw(ODD_VALUES)


def renamed(place: Place, data: st.DataObject) -> None:
    container, key = place
    if isinstance(container, dict):
        container[
            data.draw(ODD_TEXTS | st.sampled_from(["type", "name", "url", "routes", "groups", "rules"]))
        ] = container.pop(key)


def dropped(place: Place, data: st.DataObject) -> None:
    container, key = place
    del container[key]


def doubled(place: Place, data: st.DataObject) -> None:
    container, key = place
    if isinstance(container, list):
        container.extend([container[key]] * data.draw(st.sampled_from([1, 2, 200])))
    else:
        container[f"{key}_2"] = container[key]


def wrapped(place: Place, data: st.DataObject) -> None:
    container, key = place
    for _ in range(data.draw(st.sampled_from([1, 2, 30, 70]))):
        container[key] = [container[key]] if data.draw(st.booleans()) else {"x": container[key]}


CHANGES: list[Callable[[Place, st.DataObject], None]] = [replaced, renamed, dropped, doubled, wrapped]


def spelt(tables: Mapping[str, Any]) -> bytes:
    """The tables as TOML."""
    return tomlkit.dumps(tables).encode("utf-8", "surrogatepass")


@fuzzed(80)
@given(data=st.data())
def test_damaged_keys_and_values_are_findings_and_no_secret_is_seen(
    data: st.DataObject, folder: Path
) -> None:
    name = data.draw(st.sampled_from(NAMES))
    tables = tomllib.loads(FILES[name].decode())
    for _ in range(data.draw(st.integers(1, 4))):
        found = [place for place in places(tables) if not is_secret(place)]
        if not found:
            break
        data.draw(st.sampled_from(CHANGES))(data.draw(st.sampled_from(found)), data)
    try:
        content = spelt(tables)
        tomllib.loads(content.decode())
    except (ValueError, RecursionError, TypeError):
        return  # the writer has limits of its own
    findings = looked_at(folder, name, content)
    assert_sound(findings, folder)
    assert CANARY not in str([str(each) for each in findings])


@fuzzed(60)
@given(value=ODD_VALUES, data=st.data())
def test_a_secret_of_a_wrong_kind_is_not_seen_either(value: Any, data: st.DataObject, folder: Path) -> None:
    name = data.draw(st.sampled_from(sorted(SECRETS)))
    tables = tomllib.loads(FILES[name].decode())
    container, key = data.draw(st.sampled_from([place for place in places(tables) if is_secret(place)]))
    if isinstance(container[key], str):
        spelling = data.draw(st.sampled_from([key, f"{key}_file", f"{key}_env"]))
        shape = data.draw(st.sampled_from(["text", "list", "table", "long", "both"]))
        container.pop(key)
        text = f"{CANARY}/{CANARY}" if shape != "long" else CANARY * 500
        container[spelling] = [text] if shape == "list" else {"x": text} if shape == "table" else text
        if shape == "both":
            container[key], container[f"{key}_env"] = text, CANARY
    findings = looked_at(folder, name, spelt(tables))
    assert_sound(findings, folder)
    for each in findings:
        if not each.key.endswith(("_file", "_env")):  # a path and a name are no secrets
            assert CANARY not in f"{each.what} {each.instead}", each


@fuzzed(60)
@given(
    variables=st.dictionaries(
        st.sampled_from(
            [
                "HBALERT_",
                "HBALERT___",
                "HBALERT_DEFAULTS__EMAIL__PASSWORD",
                "HBALERT_ROUTE",
                "HBALERT_SERVER",
                "HBALERT_SERVER__INSECURE",
                "HBALERT_SERVER__LIMITS__ALERTS",
                "HBALERT_SERVER__LISTEN",
                "HBALERT_SERVER__TLS_CERT",
                "HBALERT_SOURCES__MAIN__BASIC_AUTH__PASSWORD",
                "HBALERT_SOURCES__MAIN__URL",
                "HBALERT_STORAGE__URL",
                "HBALERT_TOKENS",
                "hbalert_server",
            ]
        ),
        ODD_TEXTS,
        min_size=1,
    )
)
def test_damaged_variables_are_findings(variables: dict[str, str], folder: Path) -> None:
    found = check(folder / "config.toml", variables)[1]
    assert_sound(found, folder)


def test_sizes_are_bounded(folder: Path) -> None:
    rules = "".join(f'[[groups]]\nname = "g{n}"\n' for n in range(4_000))
    assert_sound(looked_at(folder, "rules/host.toml", rules.encode()), folder)
    (found,) = [
        each
        for each in looked_at(folder, "rules/host.toml", b"# " + b"x" * (9 << 20))
        if each.severity is Severity.ERROR
    ]
    assert "more than" in found.what
    many = "".join(f'k{n} = "x"\n' for n in range(5_000))
    assert_sound(looked_at(folder, "notifiers/ops_log.toml", many.encode()), folder)


# --- what is no file ---------------------------------------------------------------------------


def as_folder(path: Path) -> None:
    path.mkdir()


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_circle(path: Path) -> None:
    path.symlink_to(path.name)


def as_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def as_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def as_odd_bytes(path: Path) -> None:
    Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff\xfe.toml")).write_bytes(FILES["rules/host.toml"])


def as_unreadable(path: Path) -> None:
    path.write_bytes(b"x = 1\n")
    path.chmod(0)


ODD_FILES = [as_folder, as_pipe, as_circle, as_dangling, as_endless, as_odd_bytes, as_unreadable]


def with_odd(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The example folder in `folder`, with something odd under one name."""
    for each, content in FILES.items():
        path = folder / each
        path.parent.mkdir(exist_ok=True)
        if each != name:
            path.write_bytes(content)
    (folder / name).parent.mkdir(exist_ok=True)
    make(folder / name)
    return folder / "config.toml"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", ODD_FILES, ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    "name", ["config.toml", "rules/odd.toml", "notifiers/ops_log.toml", "notifiers/odd.toml"]
)
def test_what_is_no_file_is_a_finding_and_never_a_wait(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    path = with_odd(tmp_path, name, make)
    _, found = check(path, {})
    assert_sound(found, tmp_path)
    if not (make is as_odd_bytes or (os.access(tmp_path / name, os.R_OK) and (tmp_path / name).is_file())):
        assert [each for each in found if each.severity is Severity.ERROR]
    assert_sound(check_files([tmp_path / name], path, {}), tmp_path)
    assert_sound(check_files([tmp_path / name], None, {}), tmp_path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "make", [as_folder, as_pipe, as_circle, as_dangling, as_endless], ids=lambda e: e.__name__
)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notifiers/ding.toml", 'type = "dingtalk"\nwebhook_url_file = "odd"\n'),
        ("notifiers/mail.toml", SECRETS["notifiers/mail.toml"] + 'ca_file = "odd"\n'),
        ("notifiers/mail.toml", SECRETS["notifiers/mail.toml"] + 'template = "odd"\n'),
        (
            "config.toml",
            FILES["config.toml"].decode().replace("[server]", '[server]\ntls_cert = "odd"\ntls_key = "odd"'),
        ),
    ],
    ids=["a secret", "authorities", "a template", "a certificate"],
)
def test_a_file_that_is_named_and_is_none_is_a_finding(
    tmp_path: Path, name: str, text: str, make: Callable[[Path], None]
) -> None:
    path = with_odd(tmp_path, "odd", make)
    (tmp_path / name).write_text(text)
    _, found = check(path, {})
    assert_sound(found, tmp_path)
    assert [each for each in found if each.severity is Severity.ERROR and each.file == str(tmp_path / name)]


# --- as it is used -----------------------------------------------------------------------------


def damaged(seed: int) -> dict[str, bytes]:
    """The example folder with one file damaged: by a byte, a cut, or a line in the wrong place."""
    draw = random.Random(seed)
    name = draw.choice(NAMES)
    content = FILES[name]
    begin = draw.randrange(len(content))
    match seed % 3:
        case 0:
            content = content[:begin] + bytes([draw.randrange(256)]) + content[begin + 1 :]
        case 1:
            content = content[:begin]
        case _:
            lines = content.splitlines(keepends=True)
            lines.insert(draw.randrange(len(lines)), draw.choice(lines))
            content = b"".join(lines)
    return {**FILES, name: content}


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "github"])
@pytest.mark.parametrize("seed", range(6))
def test_the_verb_ends_with_0_or_2_and_prints_no_secret(tmp_path: Path, seed: int, output: str) -> None:
    for name, content in damaged(seed).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    is_good = check(tmp_path / "config.toml", {})[0] is not None
    result = run("check", "-c", str(tmp_path / "config.toml"), "-o", output, code=0 if is_good else 2)
    assert CANARY not in result.output
    assert "Traceback" not in result.output
    if output == "json":
        json.loads(result.stdout)


@pytest.mark.parametrize("make", [as_folder, as_pipe, as_circle, as_dangling], ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", ["config.toml", "rules/odd.toml"])
def test_a_start_on_what_is_no_file_ends_with_2(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    with running(with_odd(tmp_path, name, make)) as daemon:
        assert daemon.end() == 2
        assert "Traceback" not in daemon.log.read_text("utf-8")


def test_a_running_daemon_survives_every_damage_and_takes_the_next_good_folder(tmp_path: Path) -> None:
    good = FILES["config.toml"].replace(b"127.0.0.1:9097", b"127.0.0.1:0")
    for name, content in {**FILES, "config.toml": good}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with running(tmp_path / "config.toml") as daemon:
        daemon.ready()
        for told, seed in enumerate(range(12), 1):
            for name, content in damaged(seed).items():
                (tmp_path / name).write_bytes(content)
            daemon.send(signal.SIGHUP)
            until(partial(answered, daemon, told), "an answer to the reload")
        for name, content in {**FILES, "config.toml": good}.items():
            (tmp_path / name).write_bytes(content)
        before = len(daemon.lines("reloaded"))
        daemon.send(signal.SIGHUP)
        daemon.logged("reloaded", before + 1)
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.log.read_text("utf-8")
        assert CANARY not in daemon.log.read_text("utf-8")


def answered(daemon: Process, times: int) -> bool:
    """Whether so many reloads came to an end."""
    return sum(len(daemon.lines(event)) for event in ("reloaded", "reload_refused", "reload_failed")) >= times
