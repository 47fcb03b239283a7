"""E2B's own representations: the data of a DataFrame, the chart of a figure, lists and dictionaries as JSON.

The same as template/startup_scripts of e2b-dev/code-interpreter, so that results are the same.
"""

import sys
import warnings

import orjson
from IPython.core.formatters import BaseFormatter, JSONFormatter
from traitlets import ObjectName, Unicode


class DataFormatter(BaseFormatter):
    format_type = Unicode("e2b/data")
    print_method = ObjectName("_repr_e2b_data_")
    _return_type = (dict, str)

    def __call__(self, value):
        # Whoever has a DataFrame has imported pandas; nobody else should pay for the import.
        pandas = sys.modules.get("pandas")
        if pandas is None or not isinstance(value, pandas.DataFrame):
            return super().__call__(value)
        columns = value.to_dict(orient="list")
        return {
            name: [item.isoformat() if isinstance(item, pandas.Timestamp) else item for item in column]
            for name, column in columns.items()
        }


class ChartFormatter(BaseFormatter):
    format_type = Unicode("e2b/chart")
    print_method = ObjectName("_repr_e2b_chart_")
    _return_type = (dict, str)

    def __call__(self, value):
        if sys.modules.get("matplotlib") is None:
            return super().__call__(value)
        from matplotlib.figure import Figure

        if not isinstance(value, Figure):
            return super().__call__(value)
        from e2b_charts import chart_figure_to_dict

        try:
            # What the extraction has to complain about is not the user's: it would land on the user's stderr.
            with warnings.catch_warnings(action="ignore"):
                return chart_figure_to_dict(value)
        except Exception:  # a figure it does not understand is still a picture
            return {}


class ListsAndDictionariesFormatter(JSONFormatter):
    def __call__(self, value):
        if isinstance(value, (list, dict)):
            options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
            try:
                return orjson.loads(orjson.dumps(value, option=options)), {"expanded": True}
            except TypeError:
                pass
        return super().__call__(value)


def install(shell):
    """Add the formatters to a shell, and show images that are saved under a name, as E2B does."""
    formatters = shell.display_formatter.formatters
    for formatter in (DataFormatter, ChartFormatter, ListsAndDictionariesFormatter):
        instance = formatter(parent=shell.display_formatter)
        formatters[instance.format_type] = instance
    show_saved_images()


def show_saved_images():
    from IPython.display import display
    from PIL.Image import Image
    from PIL.ImageShow import UnixViewer

    save = Image.save

    def save_and_show(image, fp, format=None, **options):
        if isinstance(fp, str):
            display(image)
        save(image, fp, format, **options)

    Image.save = save_and_show
    UnixViewer.show_file = lambda viewer, path, **options: 0  # there is no display to show it on


FIELDS = {
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
    "e2b/data": "data",
    "e2b/chart": "chart",
}
"""MIME type of a representation -> field of a result event; what has no field goes into `extra`."""


def result_event(representations, is_main_result):
    """A `result` event from IPython's representations by MIME type."""
    import base64

    extra = {
        mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in representations.items()
    }
    event = {"type": "result"}
    text = extra.pop("text/plain", None)
    if text is not None:
        # E2B strips one pair of quotes, so that a string shows as itself.
        is_quoted = text[:1] in ("'", '"') and text[:1] == text[-1:]
        event["text"] = text[1:-1] if is_quoted else text
    for mime, field in FIELDS.items():
        if mime in extra:
            event[field] = extra.pop(mime)
    return event | {"extra": extra, "is_main_result": is_main_result}
