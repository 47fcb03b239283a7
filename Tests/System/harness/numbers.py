"""Figures that the tests measured, shown at the end of the run."""

from harness.service import is_release


class Numbers:
    _measured: list[tuple[str, float, str]] = []

    @classmethod
    def note(cls, what: str, value: float, unit: str) -> None:
        cls._measured.append((what, value, unit))

    @classmethod
    def lines(cls) -> list[str]:
        build = "release" if is_release() else "debug"
        return [f"{what} ({build} build): {value:.1f} {unit}" for what, value, unit in cls._measured]
