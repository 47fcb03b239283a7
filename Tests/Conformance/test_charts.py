"""Charts come as pictures and as data."""

import base64

import pytest
from e2b_code_interpreter.charts import ChartType

_PLOT = "import matplotlib.pyplot as plt\n{}\nplt.title('Title'); plt.xlabel('X (s)'); plt.ylabel('Y (m)')\nplt.show()"


def drawn(sandbox, lines: str) -> object:
    execution = sandbox.run_code(_PLOT.format(lines))
    assert execution.error is None
    [result] = execution.results
    assert base64.b64decode(result.png).startswith(b"\x89PNG")
    return result.chart


@pytest.mark.call("Result.chart")
def test_a_line(sandbox) -> None:
    chart = drawn(sandbox, "plt.plot([1, 2, 3], [4, 5, 6], label='one')")
    assert chart.type is ChartType.LINE
    assert (chart.title, chart.x_label, chart.y_label, chart.x_unit, chart.y_unit) == (
        "Title",
        "X (s)",
        "Y (m)",
        "s",
        "m",
    )
    [line] = chart.elements
    assert (line.label, line.points) == ("one", [(1, 4), (2, 5), (3, 6)])


def test_points(sandbox) -> None:
    chart = drawn(sandbox, "plt.scatter([1, 2], [3, 4], label='dots')")
    assert chart.type is ChartType.SCATTER
    assert chart.elements[0].points == [(1, 3), (2, 4)]


def test_bars(sandbox) -> None:
    chart = drawn(sandbox, "plt.bar(['a', 'b'], [1, 2])")
    assert chart.type is ChartType.BAR
    assert [(bar.label, bar.value) for bar in chart.elements] == [("a", 1), ("b", 2)]


def test_a_pie(sandbox) -> None:
    chart = drawn(sandbox, "plt.pie([1, 3], labels=['a', 'b'])")
    assert chart.type is ChartType.PIE
    assert [(slice.label, round(slice.angle)) for slice in chart.elements] == [("a", 90), ("b", 270)]


def test_several_in_one(sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nfigure, (a, b) = plt.subplots(1, 2)\n"
    code += "a.plot([1, 2])\nb.bar(['x'], [1])\nplt.show()"
    [result] = sandbox.run_code(code).results
    assert result.chart.type is ChartType.SUPERCHART
    assert [chart.type for chart in result.chart.elements] == [ChartType.LINE, ChartType.BAR]
