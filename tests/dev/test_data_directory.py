"""The data directory of dev: nobody else's files are deleted, and no two processes share it."""

from pathlib import Path

import pytest
from support.processes import run

from agenciaos_jobs.dev.data_directory import reserved
from agenciaos_jobs.dev.stack import StackError


def test_only_what_dev_made_is_emptied(tmp_path: Path):
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "holiday.jpg").touch()
    with reserved(foreign, fresh=False, is_own=False):
        (foreign / "postgres").mkdir()
    with pytest.raises(StackError, match="photos"), reserved(foreign, fresh=True, is_own=False):
        pass
    assert sorted(path.name for path in foreign.iterdir()) == ["holiday.jpg", "postgres"]

    own = tmp_path / "own"
    with reserved(own, fresh=False, is_own=False):
        (own / "postgres").mkdir()
        (own / "link").symlink_to(foreign)
    with reserved(own, fresh=True, is_own=False):
        assert [path.name for path in own.iterdir()] == [".agenciaos-jobs"]
    assert (foreign / "holiday.jpg").exists()

    former = tmp_path / "data"
    former.mkdir()
    (former / "trigger-secret-key").touch()
    with reserved(former, fresh=True, is_own=True):
        assert [path.name for path in former.iterdir()] == [".agenciaos-jobs"]


@pytest.mark.slow
async def test_a_second_dev_on_the_same_data_is_refused(tmp_path: Path):
    data = tmp_path / "data"
    with reserved(data, fresh=False, is_own=False):
        env = {"HOME": str(tmp_path), "LANG": "en_US.UTF-8"}
        for options in ([], ["--fresh"]):
            command = ("agenciaos-jobs", "dev", "--data", str(data), *options)
            code, text = await run(*command, env=env, cwd=tmp_path)
            assert (code, f"another `agenciaos-jobs dev` uses {data}" in text, "Traceback" in text) == (1, True, False)
    with reserved(data, fresh=False, is_own=False):
        pass
