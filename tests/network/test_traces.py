"""Traces survive files bit by bit, and files that are none are refused with the row and the value."""

import io
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from net4moe.errors import TraceError
from net4moe.network.recordings import Recorded, Recording, read_recording
from net4moe.network.traces import Trace, read_trace, write_trace

GOOD = """time_s,device,x_m,los
10.0,phone,0.0,true
10.0,tv,5.0,false
11.0,phone,1.0,true
11.0,tv,5.0,true
13.0,phone,3.0,false
13.0,tv,4.0,true
"""
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def made(values: np.ndarray, time_s: np.ndarray) -> Trace:
    """Make a trace of two devices with numbers and truth values."""
    return Trace(
        devices=("phone", "tv, old"),
        time_s=time_s,
        recorded=Recorded(
            snr_db=Recording(time_s - time_s[0], values),
            available=Recording(time_s - time_s[0], values > 0, True),
        ),
    )


def written(folder: Path, text: str, name: str = "trace.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def in_parquet(text: str) -> bytes:
    """Turn a CSV text into a Parquet file with types."""
    content = io.BytesIO()
    polars.read_csv(io.StringIO(text)).write_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    numbers=st.lists(NUMBERS, min_size=6, max_size=6),
    steps=st.lists(st.floats(0.5, 1.0), min_size=3, max_size=3),
)
def test_what_is_written_is_read_bit_by_bit(
    tmp_path: Path, suffix: str, numbers: list[float], steps: list[float]
) -> None:
    """Any finite numbers, subnormal ones and negative zero included, and names with commas."""
    trace = made(np.array(numbers).reshape(3, 2), 1e9 + np.cumsum(steps))
    path = tmp_path / f"trace{suffix}"
    write_trace(trace, path)
    again = read_trace(path, devices=("phone", "tv, old"))
    assert trace.devices == again.devices
    assert trace.time_s.tobytes() == again.time_s.tobytes()
    assert ("snr_db", "available") == again.columns
    for name in again.columns:
        one, two = getattr(trace.recorded, name), getattr(again.recorded, name)
        assert one.values.tobytes() == two.values.tobytes()
        assert one.time_s.tobytes() == two.time_s.tobytes()
        assert one.hold == two.hold
    assert [path] == list(tmp_path.iterdir())
    path.unlink()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_by_hand(tmp_path: Path, kind: str) -> None:
    """The fleet's order wins over the file's, and recordings begin at time 0."""
    path = tmp_path / f"trace.{kind}"
    path.write_bytes(GOOD.encode() if kind == "csv" else in_parquet(GOOD))
    trace = read_trace(path, devices=("tv", "phone"))
    np.testing.assert_array_equal([10.0, 11.0, 13.0], trace.time_s)
    assert trace.recorded.x_m is not None
    assert trace.recorded.los is not None
    np.testing.assert_array_equal([[5.0, 0.0], [5.0, 1.0], [4.0, 3.0]], trace.recorded.x_m.values)
    np.testing.assert_allclose([4.5, 2.0], read_recording(trace.recorded.x_m, 2.0))
    np.testing.assert_array_equal([True, True], read_recording(trace.recorded.los, 2.0))
    assert ("phone", "tv") == read_trace(path).devices


def test_devices_one_after_the_other_and_numbers_for_truths(tmp_path: Path) -> None:
    """Only each device's own time must increase; 1 and 0 are truths, spaces and capitals do not matter."""
    text = "device,time_s,available\na,0,1\na,1, TRUE\nb,0,0\nb,1,False\n"
    trace = read_trace(written(tmp_path, text))
    assert trace.recorded.available is not None
    np.testing.assert_array_equal([[True, False], [True, False]], trace.recorded.available.values)


def test_gaps_are_bridged_on_request(tmp_path: Path) -> None:
    """Missing numbers lie between their neighbours, missing truths hold, and long steps pass."""
    text = GOOD.replace("11.0,tv,5.0,true\n", "") + "500.0,phone,3.0,true\n"
    trace = read_trace(written(tmp_path, text), allow_gaps=True)
    assert trace.recorded.x_m is not None
    assert trace.recorded.los is not None
    np.testing.assert_allclose([5.0, 5.0 - 1 / 3, 4.0, 4.0], trace.recorded.x_m.values[:, 1])
    np.testing.assert_array_equal([False, False, True, True], trace.recorded.los.values[:, 1])


BRIDGED = "`allow_gaps=True` bridges it."


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: "", ": is empty."),
        (lambda s: s.splitlines()[0], ": a trace must hold at least 2 instants, got 0."),
        (lambda s: "".join(s.splitlines(True)[:3]), ": a trace must hold at least 2 instants, got 1."),
        (lambda s: s.replace("0.0,true", "0.0,true,9"), ": is damaged or is not a CSV file."),
        (
            lambda s: s.replace("time_s", "time_ms"),
            ": `time_ms` is not a column of a trace; give it in seconds, as `time_s`.",
        ),
        (
            lambda s: s.replace("x_m", "snr"),
            ": `snr` is not a column of a trace; give it in dB, as `snr_db`.",
        ),
        (
            lambda s: s.replace("x_m", "X_km"),
            ": `X_km` is not a column of a trace; give it in metres, as `x_m`.",
        ),
        (
            lambda s: s.replace("device", "device_id"),
            ": `device_id` is not a column of a trace; name it `device`.",
        ),
        (
            lambda s: s.replace("x_m", "shadwing_db"),
            ": `shadwing_db` is not a column of a trace; did you mean `shadowing_db`?",
        ),
        (
            lambda s: s.replace("x_m", "colour"),
            ": `colour` is not a column of a trace; it may have time_s, device, x_m, y_m, z_m, los, "
            "shadowing_db, fading_db, snr_db, available.",
        ),
        (lambda s: s.replace("time_s", "y_m"), ": column `time_s` is missing."),
        (lambda s: s.replace("device", "y_m"), ": column `device` is missing."),
        (
            lambda s: "time_s,device\n0,a\n1,a\n",
            ": at least one of x_m, y_m, z_m, los, shadowing_db, fading_db, snr_db, available must be a column.",
        ),
        (lambda s: s.replace("1.0,true", "one,true"), ", row 4: `x_m` must be a number, got 'one'."),
        (lambda s: s.replace("1.0,true", ",true"), ", row 4: `x_m` must be a number, got nothing."),
        (lambda s: s.replace("13.0,", "nan,"), ", row 6: `time_s` must be finite, got 'nan'."),
        (lambda s: s.replace("4.0,true", "nan,true"), ", row 7: `x_m` must be finite, got 'nan'."),
        (lambda s: s.replace("4.0,true", "-inf,true"), ", row 7: `x_m` must be finite, got '-inf'."),
        (lambda s: s.replace("4.0,true", "4.0,yes"), ", row 7: `los` must be true or false, got 'yes'."),
        (lambda s: s.replace("13.0,tv", "13.0,"), ", row 7: `device` must not be empty."),
        (
            lambda s: s.replace("13.0,tv", "9.0,tv"),
            ", row 7: `time_s` of device 'tv' must increase, got 9.0 after 11.0.",
        ),
        (
            lambda s: s.replace("13.0,phone", "11.0,phone"),
            ", row 6: `time_s` of device 'phone' must increase, got 11.0 after 11.0.",
        ),
        (
            lambda s: s.replace("11.0,tv,5.0,true\n", ""),
            f", row 4: device 'tv' is missing at `time_s` 11.0; {BRIDGED}",
        ),
        (
            lambda s: s + "90.0,phone,1.0,true\n90.0,tv,1.0,true\n",
            ", row 8: the step of `time_s` from 13.0 to 90.0 is longer than 10 times the median step of 2; "
            + BRIDGED,
        ),
    ],
)
def test_files_that_are_no_traces_are_refused(
    tmp_path: Path, change: Callable[[str], str], text: str
) -> None:
    """One sentence with the file, the row and what was found."""
    path = written(tmp_path, change(GOOD))
    with pytest.raises(TraceError, match=f"^{re.escape(str(path) + text)}$") as caught:
        read_trace(path)
    assert path == caught.value.path


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        (("phone", "car"), ", row 3: `device` must be one of phone, car, got 'tv'."),
        (("phone", "tv", "car"), ": device 'car' has no row."),
    ],
)
def test_devices_must_be_those_of_the_fleet(tmp_path: Path, devices: tuple[str, ...], text: str) -> None:
    """Neither may the file know more devices, nor fewer."""
    path = written(tmp_path, GOOD)
    with pytest.raises(TraceError, match=f"^{re.escape(str(path) + text)}$"):
        read_trace(path, devices=devices)


def test_rows_of_parquet_are_counted_without_a_header(tmp_path: Path) -> None:
    """The first row is row 1."""
    path = tmp_path / "trace.parquet"
    path.write_bytes(in_parquet(GOOD.replace("0.0,phone,0.0", "0.0,phone,nan")))
    with pytest.raises(
        TraceError, match=f"^{re.escape(str(path))}, row 1: `x_m` must be finite, got 'nan'\\.$"
    ):
        read_trace(path)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("trace.txt", b"1", ": the name of a trace must end in .csv or .parquet, got 'trace.txt'."),
        ("trace.parquet", b"PAR1 and no more", ": is damaged or is not a Parquet file."),
        ("trace.csv", b"time_s,device,x_m\n\xff\xfe\x00,a,1\n", ": is damaged or is not a CSV file."),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    """A name says what a file is, and the content must agree."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TraceError, match=f"^{re.escape(str(path) + text)}$"):
        read_trace(path)


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    """The system's reason is passed on, and nothing is left behind."""
    trace = made(np.zeros((2, 2)), np.array([0.0, 1.0]))
    missing = tmp_path / "missing" / "trace.csv"
    with pytest.raises(TraceError, match=r"cannot be read: No such file or directory\.$"):
        read_trace(missing)
    with pytest.raises(TraceError, match=r"cannot be written: No such file or directory\.$"):
        write_trace(trace, missing)
    with pytest.raises(TraceError, match=r"must end in \.csv or \.parquet, got 'trace\.json'\.$"):
        write_trace(trace, tmp_path / "trace.json")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TraceError, match=r"cannot be written: "):
        write_trace(trace, tmp_path / "folder.csv")
    assert [tmp_path / "folder.csv"] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("devices", "time_s", "values", "text"),
    [
        (
            ("a", "a"),
            [0.0, 1.0],
            np.zeros((2, 2)),
            "`devices` must be different names, at least one, got ['a', 'a'].",
        ),
        (
            ("a", "b"),
            [0.0],
            np.zeros((1, 2)),
            "`time_s` must hold at least 2 instants, finite and increasing.",
        ),
        (
            ("a", "b"),
            [1.0, 1.0],
            np.zeros((2, 2)),
            "`time_s` must hold at least 2 instants, finite and increasing.",
        ),
        (("a", "b"), [0.0, 1.0], np.zeros((2, 3)), "`x_m` must have the shape (2, 2), got (2, 3)."),
        (("a", "b"), [0.0, 1.0], np.full((2, 2), math.nan), "`x_m` must be finite, got nan."),
        (("a", "b"), [0.0, 1.0], None, "`recorded` must hold at least 1 recording, got none."),
    ],
)
def test_traces_that_do_not_fit_together_are_refused(
    devices: tuple[str, ...], time_s: list[float], values: np.ndarray | None, text: str
) -> None:
    """The sentence names the field and what came."""
    recording = None if values is None else Recording(np.array(time_s), values)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Trace(devices=devices, time_s=np.array(time_s), recorded=Recorded(x_m=recording))


def test_times_with_a_unit_of_their_own_are_refused(tmp_path: Path) -> None:
    """Milliseconds are not read as seconds because a file calls them a duration."""
    frame = polars.DataFrame({"time_s": [0, 500], "device": ["a", "a"], "snr_db": [1.0, 2.0]})
    frame.with_columns(polars.col("time_s").cast(polars.Duration("ms"))).write_parquet(tmp_path / "d.parquet")
    with pytest.raises(TraceError, match=r"`time_s` must be a number, got the type Duration"):
        read_trace(tmp_path / "d.parquet")
