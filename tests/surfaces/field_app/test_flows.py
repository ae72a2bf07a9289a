"""A checkpoint, a hand-over, a scan by camera: through the screens, and what is in the records at the end."""

import time

import pytest
import segno

from conftest import make_actor
from lianfang.core.access.scope import acting
from lianfang.core.intake.models import Photo
from lianfang.response.checkpoints.models import Passage
from lianfang.response.specimens.models import Box, Tube
from lianfang.response.tasks.models import Hazard
from surfaces.console.browsing import CHROMIUM, NEEDS_CHROMIUM
from surfaces.console.chromium import FLAGS
from surfaces.field_app.field_app import signed_in, village

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.field_app.field_app"]


def waited(read, number, within=30):
    """Wait until so many records are there; return them."""
    until = time.monotonic() + within
    while True:
        with acting(make_actor()):
            found = list(read())
        if len(found) >= number:
            return found
        assert time.monotonic() < until, f"{len(found)} of {number} arrived"
        time.sleep(0.3)


def test_an_emergency_passes_by_one_tap_and_a_fever_is_handed_over(field_house, browser):
    village(homes=1, each=1)
    phone = signed_in(browser, field_house, "checkpoint", line="checkpoints")
    phone.tap("start-checkpoint_passage")
    phone.find("emergency").wait_for()
    phone.shoot("checkpoint")
    largest = phone.page.evaluate(
        """() => { const all = [...document.querySelectorAll('main button')].filter((one) => one.offsetParent);
        const area = (one) => one.offsetWidth * one.offsetHeight;
        const tallest = all.reduce((most, one) => (area(one) > area(most) ? one : most));
        return [tallest.dataset.test, all.find((one) => one.dataset.test !== 'back').dataset.test]; }"""
    )
    assert largest == ["emergency", "emergency"]
    phone.tap("emergency")
    phone.sees("last", "已放行")
    phone.tap("temperature-pad")
    for digit in "382":
        phone.tap(f"temperature-key-{digit}")
    phone.sees("advice", "发热")
    assert phone.find("advised-back").is_disabled()
    phone.tap("handed-over")
    phone.find("why").scroll_into_view_if_needed()
    phone.shoot("checkpoint-fever")
    phone.tap("confirm-stop")
    phone.sees("last", "已移交")
    passages = waited(lambda: Passage.objects.order_by("at"), 2)
    assert [(one.purpose, one.outcome) for one in passages] == [("emergency", "let_through"), ("other", "handed_over")]
    assert (float(passages[1].temperature), passages[1].destination) == (38.2, "发热门诊")
    assert phone.complaints == []


def test_tubes_go_into_a_box_with_the_count_in_hand(field_house, browser):
    scene = village(homes=1, each=2)
    phone = signed_in(browser, field_house, "sampler")
    phone.tap("start-sampling")
    phone.tap("start")
    for number, resident in enumerate(scene.homes[0]):
        phone.scan(f"QH30{number:02}")
        phone.sees("tube", f"QH30{number:02}")
        phone.scan(scene.cards[resident])
        phone.sees("count", "1")
        phone.tap("close-tube")
    phone.tap("leave")
    phone.tap("start-pack_box")
    phone.find("box").wait_for()
    phone.scan("BOX-7")
    phone.sees("box", "BOX-7")
    phone.scan("QH3000")
    phone.scan("QH3001")
    phone.sees("count", "2")
    phone.tap("counted-less") if phone.find("counted-same").count() == 0 else phone.tap("counted-same")
    phone.shoot("handover-pack")
    phone.tap("finish")
    phone.find("finished").wait_for()
    phone.shoot("handover-finished")
    (box,) = waited(lambda: Box.objects.all(), 1)
    assert box.code == "BOX-7"
    assert phone.complaints == []


@pytest.fixture
def filmed(playwright, tmp_path):
    """A browser whose camera shows a tube's QR code."""
    film = tmp_path / "code.y4m"
    film.write_bytes(y4m("QHCAM001"))
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
    yield found
    found.close()


def y4m(code: str, width: int = 640, height: int = 480) -> bytes:
    """A film of one frame that shows a code, in grey."""
    modules = [list(row) for row in segno.make(code, error="m", micro=False).matrix]
    side = 10
    luma = bytearray([235]) * (width * height)
    left, top = (width - side * len(modules)) // 2, (height - side * len(modules)) // 2
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if not dark:
                continue
            for line in range(side):
                start = (top + y * side + line) * width + left + x * side
                luma[start : start + side] = bytes([16]) * side
    frame = b"FRAME\n" + bytes(luma) + bytes([128]) * (width * height // 2)
    return f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 10


def test_the_camera_reads_a_code_with_the_reader_that_comes_along(field_house, filmed):
    village(homes=1, each=1)
    phone = signed_in(filmed, field_house, "sampler", permissions=["camera"])
    phone.tap("start-sampling")
    phone.tap("start")
    phone.tap("camera-toggle")
    phone.sees("tube", "QHCAM001")
    phone.shoot("sampling-camera")
    foreign = [
        one
        for one in phone.page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        if not one.startswith(field_house)
    ]
    assert foreign == []
    with acting(make_actor()):
        assert Tube.objects.count() == 0, "nothing is sent before anybody is in it"


def test_a_hazard_is_reported_with_a_photo_without_what_the_camera_wrote_into_it(field_house, browser, tmp_path):
    village(homes=1, each=1)
    phone = signed_in(browser, field_house, "grid_worker", line="community")
    phone.tap("start-other")
    phone.tap("start-report_hazard")
    phone.find("finish").wait_for()
    phone.tap("finish")
    phone.shoot("form-missing")
    assert phone.find("fault-kind").is_visible()
    phone.page.locator('[data-test^="kind-"]').first.click()
    phone.find("where-place").fill("三号楼后面")
    box = phone.find("more-text").first
    if box.count():
        box.fill("垃圾成堆")
    picture = tmp_path / "photo.png"
    picture.write_bytes(phone.page.screenshot(full_page=True))
    phone.page.set_input_files('[data-test="photo-photo"]', picture)
    canvas = phone.find("photo-canvas")
    canvas.wait_for()
    before = phone.page.evaluate("document.querySelector('canvas').toDataURL()")
    box = canvas.bounding_box()
    canvas.scroll_into_view_if_needed()
    canvas.dispatch_event("pointerdown", {"clientX": box["x"] + 60, "clientY": box["y"] + 60})
    canvas.dispatch_event("pointerup", {})
    assert phone.page.evaluate("document.querySelector('canvas').toDataURL()") != before
    phone.shoot("form-photo")
    phone.tap("finish")
    phone.find("finished").wait_for()
    phone.shoot("form-finished")
    waited(lambda: Photo.objects.all(), 1)
    waited(lambda: Hazard.objects.all(), 1)
    assert phone.complaints == []
