"""`net4moe judge` from end to end, against judges that are scripted endpoints on loopback."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest

from net4moe.mixture import wording
from net4moe.mixture.judge_check import known, material, reliability_from_json
from tests.chat.fault_server import Call, FaultServer, good, status
from tests.cli.conftest import Command

NAME = f"explicit, gpt-1, wording {wording.VERSION}"
GOOD = {(sample.text, sample.about) for sample in material("check").samples}
ORDERS = [piece for order in material("check").orders for piece in (order, order.splitlines()[0])]
"""As they are, and what is left of those whose last line is left out before the judge sees it."""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep what is found of judges in a folder of the test."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / "share" / name)
    return tmp_path / "share" / "net4moe"


def shown(call: Call) -> tuple[str, str]:
    """Read the text and the topic that the judge is shown."""
    asked = call.body["messages"][-1]["content"]
    about, text = re.findall(r"^(?:Topic|Text): <<<(.*?)>>>$", asked, re.DOTALL | re.MULTILINE)
    return text, about


def knowing(call: Call) -> None:
    """Give 9 to a good text under its own prompt and 2 to all else, whatever they order."""
    text, about = shown(call)
    for order in ORDERS:
        text = text.removesuffix(f"\n\n{order}")
    good("9" if (text, about) in GOOD else "2")(call)


@pytest.fixture
def endpoint() -> Iterator[Callable[[Callable[[Call], None]], FaultServer]]:
    """Start an endpoint that judges as a function says."""
    started: list[FaultServer] = []

    def start(play: Callable[[Call], None]) -> FaultServer:
        started.append(FaultServer(play).__enter__())
        return started[-1]

    yield start
    for server in started:
        server.__exit__(None, None, None)


def written(server: FaultServer, tmp_path: Path, *, judge: str = "", price: float = 0.0) -> str:
    """Write settings in which the endpoint is the judge, and name them; all else stays the embedded model."""
    path = tmp_path / "gpt.toml"
    path.write_text(
        f'[models.gpt]\nendpoint = "{server.base_url}"\nname = "gpt-1"\noutput_usd_per_mtok = {price}\n'
        f'try_s = 5.0\ntotal_s = 5.0\n[judge]\nmodel = "gpt"\n{judge}\n'
    )
    return str(path)


Endpoint = Callable[[Callable[[Call], None]], FaultServer]


def test_a_check_prints_a_table_and_a_verdict(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """A line for each damage at each strength, the verdict last; the result lies in the folder."""
    server = endpoint(knowing)
    ran = net4moe("judge", "check", "--config", written(server, tmp_path), "--texts", "4")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert NAME == lines[0]
    assert lines[1].split()[:1] == ["damage"]
    assert 3 == sum(line.startswith("word salad ") for line in lines)
    salad = next(line for line in lines if re.match(r"word salad +100%", line))
    assert ["word", "salad", "100%", "1.00", "1.00", "to", "1.00", "100%"] == salad.split()[:8]
    assert ["-7.0", "0.95"] == salad.split()[-2:]
    told = "No damage was missed, but 4 texts are too few for a verdict; leave `--texts` out."
    assert told == lines[-1]
    assert "4 good texts of 4 prompts score 9.0 on average." in ran.out
    found = reliability_from_json((tmp_path / "runs" / "judge" / "judge_check.json").read_text("utf-8"))
    assert (NAME, 4, "texts") == (found.judge, found.num_texts, found.verdict)
    assert "\x1b" not in ran.out + ran.err


def test_eighty_columns_hold_the_table(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """Nothing of it is cut off on the narrowest terminal."""
    ran = net4moe("judge", "check", "--config", written(endpoint(knowing), tmp_path), "--texts", "4")
    table = ran.out.partition("good texts")[0]
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_a_few_texts_are_not_kept_beside_scores(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """It says so, and the judge is still unchecked."""
    config = written(endpoint(knowing), tmp_path)
    ran = net4moe("judge", "check", "--config", config, "--texts", "2", "--out", "here")
    assert "2 texts only: printed and written to here, not kept beside the judge's scores." in " ".join(
        ran.err.split()
    )
    assert (tmp_path / "here" / "judge_check.json").is_file()
    assert known(NAME) is None
    assert 2 == net4moe("judge", "show", "--config", config).code


def test_a_whole_check_is_kept_and_shown_again(
    net4moe: Command, endpoint: Endpoint, tmp_path: Path, home: Path
) -> None:
    """`show` prints what `check` printed, without a call; of a damaged file it says which and what to do."""
    server = endpoint(knowing)
    config = written(server, tmp_path)
    ran = net4moe("judge", "check", "--config", config)
    assert ran.code == 0, ran.err
    found = known(NAME)
    assert found is not None
    assert len(material("check").samples) == found.num_texts
    num_calls = len(server.calls)
    again = net4moe("judge", "show", "--config", config)
    assert (0, ran.out) == (again.code, again.out)
    assert num_calls == len(server.calls)
    (file,) = (home / "judge_checks").iterdir()
    file.write_text("{}")
    ran = net4moe("judge", "show", "--config", config)
    expected = f"{file}: this is not the result of a check of a judge; delete it and check again."
    assert (2, "", f"net4moe: {expected}\n") == (ran.code, ran.out, ran.err)


def test_a_constant_judge_gets_a_sentence_and_no_table(
    net4moe: Command, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Its name and what is wrong with it. An empty text is unscored, which is no score that differs."""
    ran = net4moe("judge", "check", "--config", written(endpoint(good("7")), tmp_path), "--texts", "4")
    assert ran.code == 0, ran.err
    assert [
        NAME,
        "This judge failed its check: it gives 7.0 to everything, whatever is done to a text.",
    ] == ran.out.splitlines()


def test_json_and_nothing_else(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """Standard output is what lies in the folder."""
    config = written(endpoint(knowing), tmp_path)
    ran = net4moe("judge", "check", "--config", config, "--texts", "4", "--json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "runs" / "judge" / "judge_check.json").read_text("utf-8") == ran.out
    found = json.loads(ran.out)
    assert (NAME, 4, 0.0) == (found["judge"], found["num_texts"], found["sway"])
    assert {"word salad", "order to the judge"} <= {one["damage"] for one in found["damages"]}


def test_an_unchecked_judge_cannot_be_shown(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """One sentence with what to do, exit code 2, and no call."""
    server = endpoint(knowing)
    ran = net4moe("judge", "show", "--config", written(server, tmp_path))
    expected = f"net4moe: the judge ({NAME}) has not been checked yet; run `net4moe judge check`.\n"
    assert (2, "", expected) == (ran.code, ran.out, ran.err)
    assert [] == server.calls


def test_a_check_goes_on_where_it_was(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """Again with the same folder only the texts that measure stability are judged anew: four, twice each."""
    server = endpoint(knowing)
    config = written(server, tmp_path)
    first = net4moe("judge", "check", "--config", config, "--texts", "4")
    num_calls = len(server.calls)
    second = net4moe("judge", "check", "--config", config, "--texts", "4")
    assert num_calls + 8 == len(server.calls)
    assert verdict(first.out) == verdict(second.out)


def verdict(out: str) -> list[str]:
    """Leave out the line with times, which no two runs share."""
    return [line for line in out.splitlines() if " good texts of " not in line and " tokens" not in line]


def test_a_judge_that_is_not_stable(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """An endpoint that gives each good text 9 and 7 in turn: a point on either side of 8."""
    turns = {text: itertools.count() for text in GOOD}

    def moody(call: Call) -> None:
        good(("9" if next(turns[shown(call)]) % 2 else "7") if shown(call) in GOOD else "1")(call)

    config = written(endpoint(moody), tmp_path)
    ran = net4moe("judge", "check", "--config", config, "--texts", "4", "--json")
    assert 1.0 == json.loads(ran.out)["instability"]


def test_the_limit_on_money_holds(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """Five tokens at 2 dollars each are ten dollars a text; the sentence says what to do."""
    server = endpoint(knowing)
    config = written(server, tmp_path, price=2e6)
    ran = net4moe("judge", "check", "--config", config, "--texts", "2", "--max-cost", "100")
    assert (2, "") == (ran.code, ran.out)
    assert "100" in ran.err
    assert len(server.calls) < 2 * 18
    assert not (tmp_path / "runs" / "judge" / "judge_check.json").exists()


def test_a_wrong_key_ends_the_check(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """One sentence with what to do, exit code 2, and nothing written."""
    config = written(endpoint(status(401, "the key is wrong")), tmp_path)
    ran = net4moe("judge", "check", "--config", config, "--texts", "2")
    assert (2, "") == (ran.code, ran.out)
    assert "refuses the key (401); set `api_key_env`" in ran.err
    assert not (tmp_path / "runs" / "judge" / "judge_check.json").exists()


def test_a_judge_that_gives_no_number(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """Nothing was scored, so nothing is said of it."""
    config = written(endpoint(good("I would rather not.")), tmp_path)
    ran = net4moe("judge", "check", "--config", config, "--texts", "2")
    assert 2 == ran.code
    assert f"the judge ({NAME}) scored 0 of 2 good texts: too few to say anything of it." in ran.err


def test_one_text_is_refused(net4moe: Command, endpoint: Endpoint, tmp_path: Path) -> None:
    """By the command line, before anything is asked."""
    server = endpoint(knowing)
    ran = net4moe("judge", "check", "--config", written(server, tmp_path), "--texts", "1")
    assert 2 == ran.code
    assert "--texts" in ran.err
    assert [] == server.calls
