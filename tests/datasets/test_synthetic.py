"""Synthetic scenes as a layout: independent of order and process, exact labels, options, sources, photographs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import Example, Omission, Sample, parse
from awbkit.datasets.prepare import Preparation
from awbkit.datasets.prepared import Prepared
from awbkit.datasets.spectral.sensitivities import shipped_cameras
from awbkit.errors import UnreadableFile, UsageError
from awbkit.estimators import parse as parse_method
from awbkit.files.encoding import srgb_to_linear
from awbkit.store.source import Source

pytestmark = pytest.mark.slow

NOTHING = Source("")


def samples(specification: str, source: Source = NOTHING) -> list[Sample]:
    found = list(parse(specification).samples(source))
    assert not [item for item in found if isinstance(item, Omission)]
    return [item for item in found if isinstance(item, Sample)]


def examples(specification: str, source: Source = NOTHING) -> list[Example]:
    layout = parse(specification)
    return [layout.load(source, sample) for sample in samples(specification, source)]


def prepare(
    specification: str, out: Path, jobs: int = 1, source: Source = NOTHING, *, allow_missing: bool = False
) -> Prepared:
    with Preparation(parse(specification), source, out) as preparation:
        for _ in preparation.run(jobs):
            pass
        return preparation.finish(allow_missing=allow_missing)


def are_equal(first: Example, second: Example) -> bool:
    arrays = [(first.image.pixels, second.image.pixels), (first.image.valid, second.image.valid)]
    return first.illuminant == second.illuminant and all(np.array_equal(*pair) for pair in arrays)


def test_each_sample_depends_on_seed_and_index_only() -> None:
    layout = parse("rendered:count=12,seed=3")
    planned = samples("rendered:count=12,seed=3")
    forwards = [layout.load(NOTHING, sample) for sample in planned]
    np.random.seed(99)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    backwards = [layout.load(NOTHING, sample) for sample in reversed(planned)][::-1]
    assert all(map(are_equal, forwards, backwards))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert samples("rendered:count=5,seed=3") == planned[:5]
    assert not any(map(are_equal, forwards, examples("rendered:count=12,seed=4")))


def test_processes_make_no_difference(tmp_path: Path) -> None:
    alone = prepare("rendered:count=24", tmp_path / "alone")
    shared = prepare("rendered:count=24", tmp_path / "shared", jobs=2)
    assert alone.info["hash"] == shared.info["hash"]
    assert len(alone) == 24
    assert any(alone.light_map(index) for index in range(24))
    assert alone.info["source"] is None
    assert (alone.valid[:].mean(axis=(1, 2)) > 0.5).all()


def test_the_index_says_camera_scene_and_lights() -> None:
    found = samples("rendered:count=400")
    known = {camera.name for camera in shipped_cameras()}
    assert {sample.camera for sample in found} <= known
    assert len({sample.camera for sample in found}) > 45
    assert len({sample.scene for sample in found}) == len({sample.image for sample in found}) == 400
    assert [sample.image.split()[0] for sample in found[:3]] == ["000000", "000001", "000002"]
    assert not any("/" in sample.image for sample in found)
    words = Counter(word for sample in found for word in sample.image.split()[1:])
    assert words["daylight"] > 100
    assert words["black"] > 10
    assert sum(words[name] for name in words if name.startswith(("FL", "LED", "F32", "F40"))) > 20


def test_one_light_is_what_the_sensitivities_make_of_it() -> None:
    layout = parse("rendered:count=40,lights=1,lamps=no")
    for sample in samples("rendered:count=40,lights=1,lamps=no"):
        example = layout.load(NOTHING, sample)
        assert example.spread == 0
        assert example.light_map is None
        camera = layout.cameras(NOTHING, [sample.camera])[sample.camera]
        kelvin = float(sample.image.split()[-2])
        found = camera.cct_duv(example.illuminant)
        assert found is not None
        # A camera is no colorimeter, so that its matrix is exact for two lights only.
        assert found[0] == pytest.approx(kelvin, rel=0.13)


def spread_of_colours(example: Example) -> float:
    """The interquartile range of a picture's log-chroma, along both axes."""
    logs = np.log(np.maximum(example.image.pixels[example.image.valid], 1e-4))
    low, high = np.quantile(logs[:, 0::2] - logs[:, 1:2], (0.25, 0.75), axis=0)
    return float(np.hypot(*(high - low)))


def test_a_share_of_the_scenes_is_mostly_of_one_material() -> None:
    none, some, all_of_them = (examples(f"rendered:count=60,one_material={share}") for share in (0, 0.3, 1))
    other = [not are_equal(first, second) for first, second in zip(none, some, strict=True)]
    # A scene that is not of one material is what it would be without any.
    assert 8 <= sum(other) <= 30
    assert all(are_equal(some[place], all_of_them[place]) for place, differs in enumerate(other) if differs)
    mixed, alike = (np.median([spread_of_colours(example) for example in group]) for group in (none, all_of_them))
    assert alike < 0.8 * mixed
    assert not any(example.spread for example in all_of_them)


def test_several_lights_are_kept_by_cell() -> None:
    several = [example for example in examples("rendered:count=60,lights=3,one_material=0") if example.spread]
    assert len(several) > 10
    assert max(example.spread or 0 for example in several) > 3
    for example in several:
        assert example.light_map is not None
        assert example.light_map.known.all()
        assert example.light_map.known.shape == (64, 64)
        assert example.light_map.camera == example.image.camera
        # Weighted by the picture's green, as the truth of the whole is.
        assert angular_error(example.light_map.mean().rgb, example.illuminant) < 1e-4
        lights = example.light_map.rgb[..., ::2].reshape(-1, 2)
        assert (lights.min(axis=0) <= np.array(example.illuminant)[::2]).all()
        assert (lights.max(axis=0) >= np.array(example.illuminant)[::2]).all()


def test_pixels_are_a_raw_files() -> None:
    for example in examples("rendered:count=30"):
        image = example.image
        assert image.pixels.shape == (64, 64, 3)
        assert image.pixels.dtype == np.float32
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= 1
        assert image.valid.sum() > 400
        assert (image.pixels[image.valid] < 0.98).all()
        assert (image.pixels[image.valid] > 0).all()
        assert not image.valid[(image.pixels >= 0.98).any(axis=2)].any()


def test_noise_is_around_what_is_seen_without() -> None:
    noisy, clean = examples("rendered:count=30"), examples("rendered:count=30,noise=no")
    differences = [one.image.pixels - two.image.pixels for one, two in zip(noisy, clean, strict=True)]
    assert all(angular_error(one.illuminant, two.illuminant) < 0.5 for one, two in zip(noisy, clean, strict=True))
    assert all(0 < difference.std() < 0.02 for difference in differences)
    assert abs(np.mean([difference.mean() for difference in differences])) < 1e-4


def test_classical_methods_err_about_as_much_as_on_photographs() -> None:
    """On INTEL-TAU, Cube+ and Gehler-Shi the means are 3.5 to 5.5 (gray-world) and 2.4 to 3.5 degrees (bright-gray)."""
    rendered = examples("rendered:count=200")
    for name, low, high in (("gray-world", 3.0, 5.8), ("shades-of-gray", 2.4, 4.9), ("bright-gray", 2.2, 4.4)):
        method = parse_method(name)
        errors = [angular_error(method.estimate(one.image).rgb, one.illuminant) for one in rendered]
        assert low < np.mean(errors) < high, name


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("Nikon D810", {"Nikon D810"}),
        ("nikon d8*", {"Nikon D800E", "Nikon D810", "Nikon D850"}),
        ("hasselblad", {"Hasselblad L1D-20c", "Hasselblad L2D-20c"}),
        ("*R6*", {"Canon EOS R6", "Canon EOS R6 Mark II"}),
    ],
)
def test_cameras_can_be_chosen(pattern: str, names: set[str]) -> None:
    assert {sample.camera for sample in samples(f"rendered:count=40,camera={pattern}")} == names


class TestOwnSensitivities:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir()
        for number, camera in enumerate(shipped_cameras()[:2]):
            rows = np.column_stack([np.arange(380, 781, 5), camera.rgb]).tolist()
            lines = ["wavelength,r,g,b", *(",".join(map(str, row)) for row in rows)]
            (folder / f"sensor {number}.csv").write_text("\n".join(lines))
        return folder

    def test_take_the_place_of_the_shipped_ones(self, folder: Path) -> None:
        source = Source.open(folder)
        layout = parse("rendered:count=20")
        found = samples("rendered:count=20", source)
        assert {sample.camera for sample in found} == {"sensor 0", "sensor 1"}
        cameras = layout.cameras(source, ["sensor 0"])
        assert list(cameras) == ["sensor 0"]
        assert cameras["sensor 0"].white_d65 == pytest.approx(shipped_cameras()[0].camera.white_d65, rel=1e-6)
        assert are_equal(layout.load(source, found[7]), layout.load(source, found[7]))

    def test_one_that_cannot_be_read_is_skipped_and_said(self, folder: Path, tmp_path: Path) -> None:
        (folder / "broken.json").write_text("{")
        (folder / "again").mkdir()
        (folder / "again" / "sensor 1.csv").write_bytes((folder / "sensor 1.csv").read_bytes())
        found = list(parse("rendered:count=5").samples(Source.open(folder)))
        skipped = {item.image: item.reason for item in found if isinstance(item, Omission)}
        assert set(skipped) == {"broken.json", "sensor 1.csv"}
        assert "JSON" in skipped["broken.json"]
        assert "second sensor 1" in skipped["sensor 1.csv"]
        assert len(prepare("rendered:count=5", tmp_path / "out", source=Source.open(folder), allow_missing=True)) == 5


class TestPhotographs:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "pictures"
        (folder / "more").mkdir(parents=True)
        ramp = np.linspace(40, 215, 96).astype(np.uint8)
        grey = np.broadcast_to(ramp[None, :, None], (80, 96, 3)).copy()
        colours = np.random.default_rng(3).integers(30, 220, (8, 8, 3)).astype(np.uint8).repeat(12, 0).repeat(12, 1)
        (folder / "grey.png").write_bytes(imagecodecs.png_encode(grey))
        (folder / "more" / "colours.png").write_bytes(imagecodecs.png_encode(colours))
        return folder

    def test_a_grey_photograph_shows_the_light(self, folder: Path) -> None:
        specification = f"rendered:count=10,lights=1,noise=no,photographs={folder}"
        layout = parse(specification)
        for sample in samples(specification)[::2]:
            assert sample.scene == "grey.png"
            example = layout.load(NOTHING, sample)
            found = parse_method("gray-world").estimate(example.image).rgb
            assert angular_error(found, example.illuminant) < 0.01

    def test_pixels_are_those_of_the_picture_under_another_light(self, folder: Path) -> None:
        specification = f"rendered:count=2,lights=1,noise=no,camera=Nikon D810,photographs={folder}"
        found = samples(specification)
        assert [sample.scene for sample in found] == ["grey.png", "more/colours.png"]
        pixels = parse(specification).load(NOTHING, found[0]).image.pixels[32, :, 1]
        linear = srgb_to_linear(np.linspace(40, 215, 96) / 255)
        rising = pixels if pixels[0] < pixels[-1] else pixels[::-1]
        np.testing.assert_allclose(
            np.log(rising[50] / rising[10]), np.log(linear[75:77].mean() / linear[15:17].mean()), atol=0.12
        )

    def test_renderings_of_one_picture_are_one_scene(self, folder: Path) -> None:
        scenes = Counter(sample.scene for sample in samples(f"rendered:count=10,photographs={folder}"))
        assert scenes == {"grey.png": 5, "more/colours.png": 5}

    def test_a_damaged_picture_is_skipped_and_said(self, folder: Path, tmp_path: Path) -> None:
        (folder / "torn.png").write_bytes((folder / "grey.png").read_bytes()[:100])
        with Preparation(parse(f"rendered:count=6,photographs={folder}"), NOTHING, tmp_path / "out") as preparation:
            steps = list(preparation.run())
            assert [isinstance(step, Omission) for step in steps] == [False, True, False] * 2
            assert {row.scene for row in preparation.finish(allow_missing=True).rows} == {
                "grey.png",
                "more/colours.png",
            }


class TestRefuses:
    @pytest.mark.parametrize(
        "option", ["count=0", "seed=-1", "lights=0", "lights=4", "lamps=maybe", "camera", "cameras=x", "noise=2"]
    )
    def test_options_out_of_range(self, option: str) -> None:
        with pytest.raises(UsageError):
            parse(f"rendered:{option}")

    def test_a_camera_that_there_is_not(self) -> None:
        with pytest.raises(UsageError, match="no camera is called 'Leica'; there are ARRI D21"):
            samples("rendered:camera=Leica")

    def test_a_source_without_sensitivities(self, tmp_path: Path) -> None:
        (tmp_path / "readme.txt").write_text("nothing")
        with pytest.raises(UnreadableFile, match="no spectral sensitivities"):
            samples("rendered", Source.open(tmp_path))

    def test_a_folder_of_photographs_that_is_missing_or_empty(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="no such folder"):
            samples(f"rendered:photographs={tmp_path / 'nowhere'}")
        with pytest.raises(UnreadableFile, match="holds no photographs"):
            samples(f"rendered:photographs={tmp_path}")
