"""The settings: defaults, a file over them, and every sentence that refuses one."""

import re
import tomllib
from pathlib import Path

import pytest

from net4moe.chat import Capabilities, Patience, Price
from net4moe.cli.config import Config, ModelSettings, default_text, devices_of, key_of, load, with_changes
from net4moe.errors import ConfigError
from net4moe.network import DeviceConfig

EXPERT = '[[experts]]\nname = "nova"\nfield = "law"\n'
MODEL = '[models.gpt]\nendpoint = "https://api.example.com/v1"\nname = "gpt-x"\n'


def _load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(text, "utf-8")
    return load(path)


def test_every_key_of_the_defaults_is_loaded() -> None:
    """What stands in the file stands in the record, list by list and table by table."""
    config = load()

    def compare(expected: object, got: object) -> None:
        if isinstance(expected, dict):
            for key, value in expected.items():
                compare(value, getattr(got, key))
        elif isinstance(expected, list):
            assert isinstance(got, tuple)
            assert len(expected) == len(got)
            for one, other in zip(expected, got, strict=True):
                compare(one, other)
        else:
            assert expected == got

    compare(tomllib.loads(default_text()), config)
    assert {"seed", "gate", "judge", "experts", "devices", "snr", "reward", "study", "gateway"} == set(
        tomllib.loads(default_text())
    )


def test_the_example_in_the_defaults_is_right(tmp_path: Path) -> None:
    """The commented model, without its comment signs, is a model."""
    lines = [
        line.removeprefix("# ")
        for line in default_text().splitlines()
        if "models.gpt" in line or " = " in line
    ]
    start = next(index for index, line in enumerate(lines) if line.startswith("[models.gpt]"))
    config = _load(tmp_path, "\n".join(lines[start : start + 6]))
    assert "OPENAI_API_KEY" == config.models["gpt"].api_key_env


def test_the_default_fleet_has_the_users_device_first() -> None:
    """One device for each expert; the phone is local."""
    config = load()
    devices = devices_of(config)
    assert {expert.name for expert in config.experts} == {device.expert for device in devices}
    assert ("phone", "pocket", True) == (devices[0].name, devices[0].expert, devices[0].local)
    assert not any(device.local for device in devices[1:])


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    """A table's other keys stay; a list replaces the default one; the devices go with the default experts."""
    config = _load(tmp_path, f"\ufeffseed = 7\n[reward]\nquality_weight = 2\n{MODEL}{EXPERT}model = 'gpt'\n")
    default = load()
    assert (7, 2.0, default.reward.bits_per_word) == (
        config.seed,
        config.reward.quality_weight,
        config.reward.bits_per_word,
    )
    assert default.gate == config.gate
    assert ["nova"] == [expert.name for expert in config.experts]
    assert () == config.devices


def test_experts_without_devices_are_hosted_all_the_same(tmp_path: Path) -> None:
    """A device of their own name or of the name they give, at the default costs; the local one comes first."""
    text = (
        f"{EXPERT}[[experts]]\nname = 'rose'\nfield = 'x'\ndevice = 'watch'\n"
        "[[experts]]\nname = 'ada'\nfield = 'y'\ndevice = 'mine'\n"
        "[[devices]]\nname = 'mine'\nlocal = true\nunits_limit = 2\n"
    )
    expected = (
        DeviceConfig(name="mine", expert="ada", local=True, units_limit=2.0),
        DeviceConfig(name="nova", expert="nova"),
        DeviceConfig(name="watch", expert="rose"),
    )
    assert expected == devices_of(_load(tmp_path, text))


def test_an_expert_with_an_endpoint_needs_no_model_table(tmp_path: Path) -> None:
    """Its model is the endpoint's own name for it."""
    config = _load(tmp_path, f"{EXPERT}model = 'qwen'\nendpoint = 'http://127.0.0.1:11434/v1'\n")
    assert ("qwen", "http://127.0.0.1:11434/v1") == (config.experts[0].model, config.experts[0].endpoint)


def test_a_model_says_what_it_can_and_costs() -> None:
    """The settings are made into the records of the chat."""
    model = ModelSettings(
        endpoint="http://x/v1",
        name="m",
        structured=False,
        logprobs=True,
        continues_text=True,
        input_usd_per_mtok=1.0,
        output_usd_per_mtok=2.0,
        try_s=3.0,
        total_s=9.0,
    )
    assert Capabilities(structured=False, logprobs=True, continues_text=True) == model.capabilities
    assert Price(input_usd_per_mtok=1.0, output_usd_per_mtok=2.0) == model.price
    assert Patience(try_s=3.0, total_s=9.0) == model.patience


def test_the_command_line_changes_a_setting() -> None:
    """None changes nothing."""
    config = with_changes(load(), seed=3, max_cost_usd=None)
    assert (3, float("inf")) == (config.seed, config.max_cost_usd)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("line 1: unknown key `sed`; did you mean `seed`?", "sed = 1\n"),
        (
            "line 2: unknown key `endpont` in [models.gpt]; did you mean `endpoint`?",
            MODEL.replace("endpoint", "endpont"),
        ),
        (
            "line 4: unknown key `api_key` in [models.gpt]; did you mean `api_key_env`?",
            f"{MODEL}api_key = 'sk-1'\n",
        ),
        ("line 1: the key `name` is missing in [models.gpt].", MODEL.replace('name = "gpt-x"\n', "")),
        (
            "line 1: `endpoint` must start with http:// or https://, got 'ftp://x'.",
            MODEL.replace("https://api.example.com/v1", "ftp://x"),
        ),
        (
            "line 1: `api_key_env` must be the name of an environment variable, not the key itself.",
            f"{MODEL}api_key_env = 'sk-secret'\n",
        ),
        ("line 1: `places` must be at least 1, got 0.", f"{MODEL}places = 0\n"),
        ("line 1: `try_s` must be a number of seconds above 0, got 0.0.", f"{MODEL}try_s = 0\n"),
        (
            "line 1: `input_usd_per_mtok` must be a number from 0 up, got -1.0.",
            f"{MODEL}input_usd_per_mtok = -1\n",
        ),
        ("line 1: `max_subtasks` must be at least 1, got 0.", "[gate]\nmax_subtasks = 0\n"),
        ("line 3: model 'gtp' is not in [models]; known are embedded.", "\n[judge]\nmodel = 'gtp'\n"),
        (
            "line 5: model 'gtp' is not in [models]; known are embedded, gpt.",
            f"{MODEL}[gate]\nmodel = 'gtp'\n",
        ),
        ("line 4: model 'gtp' is not in [models]; known are embedded.", f"{EXPERT}model = 'gtp'\n"),
        (
            "line 6: model 'gpt' cannot be the gate: it needs `structured`, or `continues_text` and `logprobs`.",
            f"{MODEL}structured = false\n[gate]\nmodel = 'gpt'\n",
        ),
        ("line 1: a mixture needs at least one expert; add an [[experts]] table.", "experts = []\n"),
        ("line 5: two experts have the name 'nova'; names must be unique.", EXPERT * 2),
        (
            "line 8: device 'watch' hosts two experts; give each its own device.",
            f"{EXPERT}device = 'watch'\n{EXPERT.replace('nova', 'rose')}device = 'watch'\n",
        ),
        ("line 1: `name` of an expert must not be empty.", EXPERT.replace("nova", " ")),
        ("line 1: `verbosity` must be a number above 0, got 0.0.", f"{EXPERT}verbosity = 0\n"),
        ("line 1: `units_per_word` must be a number above 0, got inf.", f"{EXPERT}units_per_word = inf\n"),
        ("line 4: two devices have the name 'a'; names must be unique.", "[[devices]]\nname = 'a'\n" * 2),
        (
            "line 6: only one device can be the user's own (`local = true`).",
            "[[devices]]\nname = 'a'\nlocal = true\n[[devices]]\nname = 'b'\nlocal = true\n",
        ),
        (
            "line 1: `compute_cost_per_word` of device 'a' must be finite and at least 0, got -1.0.",
            "[[devices]]\nname = 'a'\ncompute_cost_per_word = -1\n",
        ),
        ("line 1: `max_cost_usd` must be at least 0, got -1.0.", "max_cost_usd = -1\n"),
        ("line 1: `seed` must be at least 0, got -1.", "seed = -1\n"),
        ("line 2: device 'labtop' hosts no expert; did you mean 'laptop'?", "[[devices]]\nname = 'labtop'\n"),
        (
            "line 2: `distribution` must be one of 'uniform_db', 'rayleigh', 'normal_db', 'fixed', got 'flat'.",
            "[snr]\ndistribution = 'flat'\n",
        ),
        (
            "line 1: `bits_per_word` must be finite and greater than 0, got 0.0.",
            "[reward]\nbits_per_word = 0\n",
        ),
        ("line 1: `num_seeds` must be at least 1, got 0.", "[study]\nnum_seeds = 0\n"),
        ("line 1: `num_prompts` must be at least 2, got 1.", "[study]\nnum_prompts = 1\n"),
        ("line 1: `held_out_share` must be between 0 and 1, got 1.0.", "[study]\nheld_out_share = 1\n"),
        ("line 2: this is not TOML: expected '=' after a key in a key/value pair.", "seed = 1\nseed\n"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, sentence: str, text: str) -> None:
    """File, line, what must hold and what came; a key is never printed."""
    whole = f"{tmp_path / 'c.toml'}, {sentence}"
    with pytest.raises(ConfigError, match=f"^{re.escape(whole)}$") as caught:
        _load(tmp_path, text)
    assert "sk-" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is no text."""
    missing = tmp_path / "none.toml"
    text = f"{missing} cannot be read (No such file or directory)."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        load(missing)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"seed = \xff")
    text = f"{binary}: the file is not UTF-8 text."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        load(binary)


def test_a_key_is_read_from_the_environment() -> None:
    """By the name that is set; none where none is needed."""
    model = ModelSettings(endpoint="http://x/v1", name="m", api_key_env="MY_KEY")
    assert "sk-1" == key_of(model, {"MY_KEY": " sk-1\n"})
    assert key_of(ModelSettings(endpoint="http://x/v1", name="m"), {"MY_KEY": "sk-1"}) is None


@pytest.mark.parametrize("environment", [{}, {"MY_KEY": " "}, {"OTHER_KEY": "sk-1"}])
def test_a_key_that_is_missing(environment: dict[str, str]) -> None:
    """The sentence names the variable, and nothing of the environment's values."""
    model = ModelSettings(endpoint="http://x/v1", name="m", api_key_env="MY_KEY")
    text = "model 'm' at http://x/v1 needs a key; set the environment variable MY_KEY."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        key_of(model, environment)
