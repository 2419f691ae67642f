"""An audit without data is no audit."""

from pathlib import Path

import pytest

from delivery.supply.audit import KNOWN, Judged, NoDataError, ask, main
from delivery.supply.locks import pins

FOUND = Judged("jinja2", "3.0.0", ("CVE-1 repaired in 3.0.1",))


class Source:
    """Data of vulnerabilities that knows what is known, unless said otherwise."""

    def __init__(
        self,
        *,
        reached: tuple[str, ...] = ("pypi", "osv"),
        blind: tuple[str, ...] = (),
        added: tuple[Judged, ...] = (),
        forgets: str = "",
    ) -> None:
        self._reached, self._blind, self._added, self._forgets = reached, blind, added, forgets

    def __call__(self, requirements: Path, service: str) -> list[Judged]:
        if service not in self._reached:
            raise NoDataError("cannot be reached")
        if requirements.stem == "known":
            found = () if service in self._blind else ("CVE-2018-18074",)
            return [Judged(name, version, found) for name, version in KNOWN.items()]
        judged = [Judged(pin.name, pin.version, ()) for pin in pins(requirements.stem)]
        return [*(each for each in judged if each.name != self._forgets), *self._added]


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [
        (Source(), 0, "0 known vulnerabilities, by the data of pypi"),
        (Source(reached=("osv",)), 0, "by the data of osv"),
        (Source(blind=("pypi",)), 0, "by the data of osv"),
        (Source(reached=()), 2, "nothing was judged; pypi: cannot be reached; osv: cannot be reached"),
        (Source(blind=("pypi", "osv")), 2, "pypi: does not know that jinja2 2.10 is vulnerable"),
        (Source(forgets="starlette"), 2, "of requirements/dev.txt was not judged"),
        (Source(added=(FOUND,)), 1, "jinja2 3.0.0: CVE-1 repaired in 3.0.1"),
    ],
)
def test_the_exit_code_tells_whether_anything_was_judged(
    source: Source, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(source) == code
    written = capsys.readouterr()
    assert told in written.out + written.err
    assert (written.out == "") is (code == 2)


def test_a_file_that_cannot_be_read_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoDataError):
        ask(tmp_path / "missing.txt", "pypi")
