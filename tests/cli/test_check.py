"""`hbalert check`: what it prints, where, and with which exit code."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hbalert.cli.check import check
from hbalert.config.codes import CODES
from tests.config.folder import LOG, MAIN, RULES, write
from tests.config.test_load import SEVEN

PACKAGE = Path(__file__).parents[2] / "hbalert"
WARN = {"config.toml": MAIN + 'repeat_interval = "1m"\n'}
WRONG = {"config.toml": MAIN.replace("ops_log", "ops_lgo")}


def run(*arguments: str | Path, environ: dict[str, str] | None = None) -> Result:
    """Exceptions other than an exit are failures of the test."""
    env = {"HBALERT_CONFIG": None, **(environ or {})}
    return CliRunner().invoke(check, [str(each) for each in arguments], env=env, catch_exceptions=False)


def test_seven_mistakes_are_seven_lines_and_exit_code_2(tmp_path: Path) -> None:
    result = run("-c", write(tmp_path, SEVEN))
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert len(lines) == 7
    assert lines[0] == (
        f'{tmp_path}/config.toml:2: server.listn: there is no such key; did you mean "listen"? [unknown-key]'
    )
    assert result.stderr == "7 errors in 4 files\n"


@pytest.mark.parametrize(
    ("files", "flags", "code", "summary"),
    [
        pytest.param({}, [], 0, "nothing is wrong", id="all is well"),
        pytest.param({}, ["--strict"], 0, "nothing is wrong", id="all is well, strictly"),
        pytest.param(WARN, [], 0, "1 warning in 1 file", id="a warning"),
        pytest.param(WARN, ["--strict"], 1, "1 warning in 1 file", id="a warning, strictly"),
        pytest.param(WRONG, [], 2, "1 error in 1 file", id="an error"),
        pytest.param(WRONG, ["--strict"], 2, "1 error in 1 file", id="an error, strictly"),
        pytest.param(
            {"config.toml": WARN["config.toml"].replace("ops_log", "x")},
            [],
            2,
            "1 error, 1 warning in 1 file",
            id="both",
        ),
    ],
)
def test_the_exit_code_says_how_bad_it_is(
    tmp_path: Path, files: dict[str, str], flags: list[str], code: int, summary: str
) -> None:
    result = run("-c", write(tmp_path, files), *flags)
    assert result.exit_code == code
    assert summary in result.stderr


def test_a_warning_says_that_it_is_one(tmp_path: Path) -> None:
    result = run("-c", write(tmp_path, WARN))
    assert ": route.repeat_interval: warning: a group is looked at" in result.stdout
    assert run("-c", tmp_path, "-o", "table").stdout == result.stdout


def test_json_is_versioned_and_whole(tmp_path: Path) -> None:
    result = run("-c", write(tmp_path, WRONG), "-o", "json")
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    (row,) = document["findings"]
    assert row == {
        "file": f"{tmp_path}/config.toml",
        "line": 5,
        "key": "route.receiver",
        "severity": "error",
        "code": "unknown-receiver",
        "what": 'there is no receiver "ops_lgo"',
        "instead": 'did you mean "ops_log"?',
    }
    lines = run("-c", tmp_path, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [row]
    (tmp_path / "config.toml").write_text(MAIN)
    assert json.loads(run("-c", tmp_path, "-o", "json").stdout) == {"schema": 1, "findings": []}
    assert run("-c", tmp_path, "-o", "jsonl").stdout == ""


def test_github_gets_annotations_that_cannot_be_broken_out_of(tmp_path: Path) -> None:
    rules = RULES.replace('"Down"', '"Down"\nno_data = "a%\\n::error::b"')
    result = run("-c", write(tmp_path, {**WARN, "rules/a.toml": rules}), "-o", "github")
    first, second = result.stdout.splitlines()
    assert first.startswith(
        f"::warning file={tmp_path}/config.toml,line=6,title=route::route.repeat_interval: "
    )
    assert second.startswith(f"::error file={tmp_path}/rules/a.toml,line=5,title=value::")
    assert "a%25" in second


def test_nothing_in_a_finding_can_move_the_cursor_or_begin_a_line(tmp_path: Path) -> None:
    text = MAIN.replace("ops_log", "x\\u001b[2J\\n")
    result = run("-c", write(tmp_path, {"config.toml": text}))
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_only_the_given_files_are_checked(tmp_path: Path) -> None:
    write(tmp_path, {**WRONG, "rules/b.toml": RULES.replace('"g"', '"h"').replace("up == 0", "up ==")})
    result = run("-c", tmp_path, tmp_path / "rules" / "b.toml", tmp_path / "rules" / "a.toml")
    assert (result.exit_code, result.stderr) == (2, "1 error in 1 file\n")
    assert result.stdout.startswith(f"{tmp_path}/rules/b.toml:5: ")
    good = run("-c", tmp_path, tmp_path / "rules" / "a.toml")
    assert (good.exit_code, good.stdout) == (0, "")


def test_files_can_be_checked_where_there_is_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    Path("a.toml").write_text(RULES)
    Path("b.toml").write_text(LOG + 'timezone = "x"\n')
    assert run("a.toml").exit_code == 0
    result = run("a.toml", "b.toml")
    assert result.exit_code == 2
    assert result.stdout.startswith("b.toml:2: timezone: ")


def test_a_configuration_that_was_named_must_be_there(tmp_path: Path) -> None:
    for files in ([], [tmp_path / "a.toml"]):
        result = run("-c", tmp_path / "nope.toml", *files)
        assert result.exit_code == 2
        assert "nope.toml does not exist" in result.stderr


def test_the_variable_names_the_configuration(tmp_path: Path) -> None:
    result = run(environ={"HBALERT_CONFIG": str(write(tmp_path, WRONG))})
    assert result.exit_code == 2
    assert "ops_lgo" in result.stdout


def test_live_asks_the_sources(tmp_path: Path) -> None:
    main = MAIN.replace("127.0.0.1:9090", "127.0.0.1:1")
    result = run("-c", write(tmp_path, {"config.toml": main}), "--live")
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{tmp_path}/config.toml:2: sources.main.url: the source does not answer")


def test_live_waits_until_the_errors_are_gone_and_needs_everything(tmp_path: Path) -> None:
    path = write(tmp_path, WRONG)
    result = run("-c", path, "--live")
    assert "the sources were not asked" in result.stderr
    assert "source-down" not in result.stdout
    result = run("-c", path, tmp_path / "rules" / "a.toml", "--live")
    assert result.exit_code == 2
    assert "leave the files out" in result.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [("{{ status }}", 0), ("{{ nope", 2), (b"\xff", 2)],
    ids=["right", "wrong", "bytes"],
)
def test_a_template_of_ones_own_is_tried(tmp_path: Path, text: str | bytes, code: int) -> None:
    files = {"notifiers/ops_log.toml": LOG + 'template = "t.txt"\n', "t.txt": text}
    result = run("-c", write(tmp_path, files))
    assert result.exit_code == code, result.stdout
    assert ("t.txt" in result.stdout) == bool(code)


MAIL = 'type = "email"\nsmarthost = "127.0.0.1:25"\nfrom = "a@example.com"\nto = ["b@example.com"]\n'


@pytest.mark.parametrize(
    ("keys", "place", "what"),
    [
        ('subject = "{{ nope }}"', "notifiers/m.toml:5: subject: ", "nope is unknown"),
        ('headers = { X-A = "{{ nope }}" }', "notifiers/m.toml:5: headers.X-A: ", "nope is unknown"),
        ('html = "t.html"', "t.html: m: ", "alrts is unknown; did you mean alerts?"),
        ('html = "none.html"', "notifiers/m.toml:5: html: ", "does not exist"),
        ('headers = { Subject = "x" }', "notifiers/m.toml:5: headers: ", "the key subject is its template"),
        ('headers = { to = "x" }', "notifiers/m.toml:5: headers: ", "the key to says who gets the mail"),
        ('headers = { cc = "x" }', "notifiers/m.toml:5: headers: ", "write the addresses into to"),
        ('headers = { Message-ID = "x" }', "notifiers/m.toml:5: headers: ", "made for every mail by itself"),
        ('headers = { "X:\\nY" = "x" }', "notifiers/m.toml:5: headers: ", "not the name of a mail header"),
        ('headers = { X-A = "x", x-a = "y" }', "notifiers/m.toml:5: headers: ", "is there twice"),
    ],
)
def test_own_texts_of_a_mail_are_tried(tmp_path: Path, keys: str, place: str, what: str) -> None:
    files = {"notifiers/m.toml": f"{MAIL}{keys}\n", "t.html": "{{ alrts }}"}
    result = run("-c", write(tmp_path, files))
    assert result.exit_code == 2, result.stdout
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{tmp_path}/{place}")
    assert what in line


def test_own_texts_of_a_mail_that_are_right_have_no_findings(tmp_path: Path) -> None:
    keys = 'subject = "{{ subject }}"\nhtml = "t.html"\nheaders = { X-A = "{{ common_labels.none }}" }\n'
    result = run(
        "-c", write(tmp_path, {"notifiers/m.toml": MAIL + keys, "t.html": "{{ status }}"}), "--strict"
    )
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("notifier", "line"),
    [
        pytest.param(MAIL + 'subject = "{{ nope }}"\nport = 7\n', 5, id="beside another mistake of the file"),
        pytest.param("enabled = false\n" + MAIL + 'subject = "{{ nope }}"\n', 6, id="of a disabled notifier"),
        pytest.param(
            MAIL.replace("smarthost", "smart") + 'subject = "{{ nope }}"\n', 5, id="half a notifier"
        ),
    ],
)
def test_a_template_is_tried_whatever_else_is_wrong(tmp_path: Path, notifier: str, line: int) -> None:
    broken = {**WRONG, "notifiers/m.toml": notifier}
    for files, more in ((broken, []), ({"notifiers/m.toml": notifier}, ["notifiers/m.toml"])):
        path = write(tmp_path, files)
        result = run(*(tmp_path / name for name in more), *(() if more else ("-c", path)))
        assert result.exit_code == 2
        assert f"notifiers/m.toml:{line}: subject: this template does not work" in result.stdout


def test_the_template_of_a_file_that_is_checked_alone_is_tried(tmp_path: Path) -> None:
    files = {"notifiers/ops_log.toml": LOG + 'template = "t.txt"\n', "t.txt": "{{ nope }}"}
    path = write(tmp_path, files)
    result = run(tmp_path / "notifiers/ops_log.toml", "-c", path)
    assert result.exit_code == 2
    assert "t.txt: ops_log: this template does not work: nope is unknown" in result.stdout


def test_the_codes_are_listed() -> None:
    result = run("explain")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(CODES)


def test_a_code_is_explained(tmp_path: Path) -> None:
    result = run("--explain", "unknown-key")
    assert (result.exit_code, result.stdout) == (0, CODES["unknown-key"] + "\n")
    result = run("--explain", "unknown-kye")
    assert result.exit_code == 2
    assert 'did you mean "unknown-key"?' in result.stderr


def test_every_code_that_a_finding_can_have_is_explained_and_no_other() -> None:
    """Read from the source: every `code=...`, and every text that stands where a code does."""
    used: set[str] = set()
    for folder in ("config", "sources", "cli"):
        for path in (PACKAGE / folder).rglob("*.py"):
            if path.name == "codes.py":
                continue
            used |= {
                node.value
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CODES
            }
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "code"
                    and isinstance(node.value, ast.Constant)
                ):
                    assert node.value.value in CODES, f"{path.name}: {node.value.value!r}"
    assert used == set(CODES)


def test_secrets_are_in_no_output(tmp_path: Path) -> None:
    files = {
        "config.toml": MAIN.replace("http://", "http://u:S3CRET@"),
        "notifiers/d.toml": 'type = "dingtalk"\nwebhook_url = "S3CRET"\nsecret_file = "https://S3CRET"\n',
        "notifiers/e.toml": 'type = "webhook"\nurl = 5\nbearer_token_env = "S3CRET-x"\n'
        'signing_sceret = "S3CRET"\n',
    }
    path = write(tmp_path, files)
    for output in ("text", "json", "jsonl", "github"):
        result = run("-c", path, "-o", output)
        assert result.exit_code == 2
        assert "S3CRET" not in result.output
