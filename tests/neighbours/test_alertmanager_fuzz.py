"""Damaged configurations: whatever stands in the file, the import ends with one of its exit codes, and what
it writes is what `hbalert check` takes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbalert.cli.check import check
from hbalert.cli.import_ import import_
from tests.neighbours.test_alertmanager import NAMES, place

EXAMPLES = 150

WORDS = [
    "null", "[]", "{}", "''", "0", "-1", "true", "{{ .Labels.x }}", "{{ if }}", "🚨", "a: b", "&a", "*a",
    "<<: *a", "- x", "!!binary x", "'", '"', "|", ">", "%", "\t", "99999999999999999999", "../../x", "\x7f",
    "${X}", "<secret>", "route:", "receivers:", "matchers: [a=b]", "to: nobody", "url: x", "receiver: zz",
    "weekdays: [x]", "~", "? ",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, texts: dict[str, str]) -> str:
    """A fixture of which some words or lines are gone, doubled, moved or others."""
    lines = texts[draw(st.sampled_from(sorted(texts)))].splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "indent", "word", "value"])):
            case "drop":
                lines[at] = ""
            case "double":
                lines.insert(at, lines[at])
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "indent":
                lines[at] = " " * draw(st.integers(0, 3)) + lines[at]
            case "word":
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(st.sampled_from(WORDS)) + lines[at][cut:]
            case "value":
                lines[at] = lines[at].partition(": ")[0] + ": " + draw(st.sampled_from(WORDS))
    return "\n".join(lines)


def test_a_damaged_file_is_translated_or_refused_and_never_a_traceback(tmp_path: Path) -> None:
    there = place(tmp_path)
    texts = {name: (there / f"{name}.yml").read_text("utf-8") for name in NAMES}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damaged(texts))
    def ends_well(text: str) -> None:
        (there / "am.yml").write_text(text, "utf-8")
        out = Path(tempfile.mkdtemp(dir=tmp_path))
        arguments = ["alertmanager", str(there / "am.yml"), "--out", str(out / "new")]
        done = CliRunner().invoke(import_, arguments, catch_exceptions=False)
        assert done.exit_code in (0, 1, 2)
        if done.exit_code != 2:
            checked = CliRunner().invoke(
                check, ["-c", str(out / "new" / "config.toml")], catch_exceptions=False
            )
            assert checked.exit_code == 0, f"{checked.stdout}\n{text}"
        else:
            assert not (out / "new").exists(), f"{done.output}\n{text}"
        shutil.rmtree(out)

    ends_well()
