"""The image store, as a folder and as a bucket of a real local S3 server: the same promises, the same tests."""

import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract.codec import job_document
from contract.errors import MalformedDocument, NewerVersion
from contract.ids import JobId
from exchange import images
from exchange.images import FolderStore, ImageStore, StoreUnavailable, open_store
from tests.exchange.jobs import job

PNG, WEBP = b"\x89PNG\r\n\x1a\n", b"RIFF\x04\0\0\0WEBP"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("obstore", reason="obstore is not installed (extra s3)")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    if request.param == "folder":
        return open_store(str(tmp_path / "images"))
    endpoint = request.getfixturevalue("s3_endpoint")
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"easel-{abs(hash(tmp_path)):x}"
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")).close()
    return open_store(f"s3://{bucket}/pictures")


def test_pictures_come_back_whole(store: ImageStore) -> None:
    """Each index is its own picture, whatever its format."""
    store.put_image(job().id, 0, PNG + b"one", "png")
    store.put_image(job().id, 3, WEBP, "webp")
    assert store.get_image(job().id, 0) == PNG + b"one"
    assert store.get_image(job().id, 3) == WEBP
    assert store.get_image(job().id, 1) is None
    assert store.get_image(job(2).id, 0) is None


def test_what_a_job_is_made_from_has_names(store: ImageStore) -> None:
    """Inputs lie beside the results, each under its name, and go with the job."""
    store.put_image(job().id, 0, PNG + b"a result")
    store.put_input(job().id, "input/0", PNG + b"a prompt's picture")
    store.put_input(job().id, "mask", WEBP, "webp")
    assert store.get_input(job().id, "input/0") == PNG + b"a prompt's picture"
    assert store.get_input(job().id, "mask") == WEBP
    assert store.get_input(job().id, "input/1") is None
    assert store.get_image(job().id, 0) == PNG + b"a result"
    store.delete(job().id)
    assert store.get_input(job().id, "input/0") is None


@pytest.mark.parametrize("name", ["input", "input/16", "input/../0", "../mask", "masks", "record", ""])
def test_an_input_has_no_other_name(store: ImageStore, name: str) -> None:
    """A forged name cannot leave the job's folder."""
    with pytest.raises(ValueError, match="there are input/0"):
        store.put_input(job().id, name, b"x")


def test_a_repeated_job_replaces_its_pictures(store: ImageStore) -> None:
    """A retry writes the same picture again, and that is all."""
    store.put_image(job().id, 0, PNG + b"first")
    store.put_image(job().id, 0, PNG + b"second")
    assert store.get_image(job().id, 0) == PNG + b"second"


def test_records_hold_the_job_and_more(store: ImageStore) -> None:
    """Whatever lies beside the job is kept."""
    store.put_record({**job_document(job()), "elapsed_ms": 12})
    assert store.get_record(job().id) == job()
    document = store.get_document(job().id)
    assert document
    assert document["elapsed_ms"] == 12
    assert store.get_record(job(2).id) is None


def test_a_newer_record_is_not_misread(store: ImageStore) -> None:
    """It is left to a newer version."""
    store.put_record({**job_document(job()), "version": 99})
    with pytest.raises(NewerVersion):
        store.get_record(job().id)


def test_deleting_leaves_nothing_and_can_be_repeated(store: ImageStore) -> None:
    """Pictures and record go, other jobs stay."""
    for number in (1, 2):
        store.put_image(job(number).id, 0, PNG)
        store.put_record(job_document(job(number)))
    store.delete(job(1).id)
    store.delete(job(1).id)
    assert store.get_image(job(1).id, 0) is None
    assert store.get_record(job(1).id) is None
    assert store.get_record(job(2).id) == job(2)


def test_what_nobody_touched_is_found_for_the_retention(store: ImageStore) -> None:
    """By the youngest of a job's files; other people's files in the same place are left alone."""
    first, second = job(1), job(2)
    for each in (first, second):
        store.put_image(each.id, 0, PNG)
        store.put_record(job_document(each))
    if isinstance(store, FolderStore):
        (store.root / "ab" / "not-ours").mkdir(parents=True)
    assert list(store.untouched_since(time.time() - 60)) == []
    assert set(store.untouched_since(time.time() + 60)) == {first.id, second.id}
    store.delete(first.id)
    assert list(store.untouched_since(time.time() + 60)) == [second.id]


@pytest.mark.parametrize("forged", ["../../etc/passwd", "0000002a-7b57-44c5-98a9-91859bf7ba93", "", "x" * 36])
def test_forged_ids_do_not_leave_the_store(store: ImageStore, forged: str) -> None:
    """An id comes from a button, so from anybody."""
    with pytest.raises(ValueError, match=r"."):
        store.get_image(JobId(forged), 0)
    with pytest.raises(MalformedDocument):
        store.put_record({"version": 1, "job": {"id": forged}})


def test_unknown_indices_and_formats_are_refused(store: ImageStore) -> None:
    """Nothing is stored that could not be found again."""
    with pytest.raises(ValueError, match="picture -1"):
        store.put_image(job().id, -1, b"")
    with pytest.raises(ValueError, match="exe"):
        store.put_image(job().id, 0, b"", "exe")


def test_a_broken_record_is_malformed(tmp_path: Path) -> None:
    """Half a file from elsewhere is no job."""
    store = FolderStore(tmp_path)
    store.put_record(job_document(job()))
    (record,) = tmp_path.rglob("record.json")
    record.write_bytes(b"{")
    with pytest.raises(MalformedDocument):
        store.get_record(job().id)


def test_readers_never_see_half_a_picture(tmp_path: Path) -> None:
    """A picture is moved into its place when it is complete, and no temporary file stays."""
    store, stop = FolderStore(tmp_path), threading.Event()
    versions = [PNG + bytes([value]) * 200_000 for value in (1, 2)]
    store.put_image(job().id, 0, versions[0])

    def rewrite() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            store.put_image(job().id, 0, versions[turn % 2])

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = [store.get_image(job().id, 0) for _ in range(100)]
    stop.set()
    writer.join()
    assert all(data in versions for data in seen)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0.png"]


# ── what others put there ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture of the host that is nobody's business."""
    file = tmp_path / "secret.png"
    file.write_bytes(PNG + b"secret")
    return file


def test_a_link_to_a_file_of_the_host_is_no_picture(tmp_path: Path, secret: Path) -> None:
    """Whatever the link's target is, it is not read; a picture that is drawn again takes the link's place."""
    store = FolderStore(tmp_path / "images")
    store.put_image(job().id, 1, PNG)
    folder = next((tmp_path / "images").glob("*/*"))
    (folder / "0.png").symlink_to(secret)
    (folder / "2.png").hardlink_to(tmp_path / "images" / folder.parent.name / folder.name / "1.png")
    assert store.get_image(job().id, 0) is None
    assert store.get_image(job().id, 2) == PNG
    store.put_image(job().id, 0, PNG + b"drawn")
    assert store.get_image(job().id, 0) == PNG + b"drawn"
    assert secret.read_bytes() == PNG + b"secret"


@pytest.mark.parametrize("depth", [0, 1])
def test_a_linked_folder_is_neither_read_nor_written_nor_emptied(tmp_path: Path, secret: Path, depth: int) -> None:
    """The same for the folders on the way: nothing outside of the store is touched through them."""
    store, outside = FolderStore(tmp_path / "images"), tmp_path / "outside"
    name = f"{job().id[:2]}/{job().id}"
    (outside / (job().id if depth == 0 else "")).mkdir(parents=True)
    kept = outside / (job().id if depth == 0 else "") / "0.png"
    kept.write_bytes(secret.read_bytes())
    place = store.root / name.split("/")[0] if depth == 0 else store.root / name
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    assert store.get_image(job().id, 0) is None
    with pytest.raises(OSError, match=r"."):
        store.put_image(job().id, 1, PNG)
    store.delete(job().id)
    assert list(store.untouched_since(time.time() + 60)) == []
    assert [path.name for path in kept.parent.iterdir()] == ["0.png"]


def test_pipes_folders_and_giants_are_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe would make its reader wait for ever, a giant would take its memory."""
    monkeypatch.setattr(images, "MAX_PICTURE_BYTES", 1000)
    store = FolderStore(tmp_path)
    store.put_image(job().id, 0, PNG + bytes(1000))
    folder = next(tmp_path.glob("*/*"))
    os.mkfifo(folder / "1.png")
    (folder / "2.png").mkdir()
    assert [store.get_image(job().id, index) for index in range(3)] == [None] * 3


def test_a_file_that_is_no_picture_is_not_handed_out(store: ImageStore) -> None:
    """By its first bytes, whatever its name says."""
    store.put_image(job().id, 0, b"root:x:0:0:root:/root:/bin/bash")
    store.put_image(job().id, 1, WEBP)
    assert store.get_image(job().id, 0) is None
    assert store.get_image(job().id, 1) is None


def test_another_jobs_record_is_not_used(tmp_path: Path) -> None:
    """A record that was copied into another job's folder speaks of a job that is somebody else's."""
    store = FolderStore(tmp_path)
    for number in (1, 2):
        store.put_record(job_document(job(number)))
    first, second = (tmp_path / job(number).id[:2] / job(number).id / "record.json" for number in (1, 2))
    first.write_bytes(second.read_bytes())
    assert store.get_record(job(1).id) is None
    assert store.get_record(job(2).id) == job(2)


def test_a_store_is_tried_out(store: ImageStore) -> None:
    """A write and a read; nothing of it stays."""
    store.check()
    assert list(store.untouched_since(time.time() + 60)) == []


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("gs://bucket/x", "not an address with gs://"),
        ("~nobody-of-that-name/x", "nobody of that name"),
        ("https://bucket.example/x", "not an address with https://"),
        ("s3:///x", "names no bucket"),
        ("file://", "names no folder"),
        ("/", "names no folder"),
        ("/proc/nowhere", "/proc/nowhere"),
        ("/dev/null/x", "/dev/null/x"),
    ],
)
def test_a_wrong_store_is_refused_in_a_sentence(location: str, words: str) -> None:
    """Before any job is taken, and naming what is wrong."""
    with pytest.raises(StoreUnavailable, match=re.escape(words)):
        open_store(location).check()


def test_a_bucket_that_is_not_there_is_refused(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, whatever the library says beside it; http:// needs no further variable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(StoreUnavailable, match="s3://nobucket/x fails") as refused:
        open_store("s3://nobucket/x").check()
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_credentials_are_read_from_the_env_file(
    s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AWS_*` in `.env` count as they do in the environment, which wins."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")  # so that the test's end takes away what the store sets
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(
        f"AWS_ENDPOINT_URL={s3_endpoint}\nAWS_ACCESS_KEY_ID=from-the-file\nAWS_SECRET_ACCESS_KEY=test\n"
    )
    monkeypatch.chdir(tmp_path)
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/enved", method="PUT")).close()
    open_store("s3://enved/x").check()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "from-the-file"


def test_checks_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Bot and workers start together and each tries the store; nothing of the trials stays."""
    stores = [FolderStore(tmp_path / "images") for _ in range(4)]

    def often(store: FolderStore) -> None:
        for _ in range(40):
            store.check()

    with ThreadPoolExecutor(len(stores)) as pool:
        for done in [pool.submit(often, store) for store in stores]:
            done.result()
    assert list((tmp_path / "images").iterdir()) == []


def test_a_folder_of_ones_own_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell has read what stands in `.env`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    opened = open_store("~/images")
    assert isinstance(opened, FolderStore)
    assert opened.root == tmp_path / "images"


def test_a_bucket_without_credentials_says_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library asks a cloud's metadata service for some then, and complains of that."""
    obstore = pytest.importorskip("obstore", reason="obstore is not installed (extra s3)")

    def put(*_: object, **__: object) -> None:
        raise OSError("Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 1 ms")

    monkeypatch.setattr(obstore, "put", put)
    with pytest.raises(StoreUnavailable, match=r"no credentials .*AWS_ACCESS_KEY_ID"):
        open_store("s3://bucket/x").check()
