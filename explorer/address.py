"""The view's state in the address. What a control shows is read from the address at every run, and a change goes back into it.

Streamlit's own binding stores the label that is shown, so that a link made in Korean would be lost in English; here the address holds codes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from explorer.format import literal
from explorer.results.site import data_version
from explorer.text import language, t

STEP = "step"  # the guided step that a presenter shows
VIEWS = {"embed", "embed_options", "present", STEP}  # how a page is seen, not what it shows: explorer/views.py
RESERVED = {"lang", "v"} | VIEWS
LONGEST_SEARCH = 200  # characters that a reader may ask for
LONGEST_QUOTED = 100  # characters of an address that a notice repeats


def choice(
    key: str,
    options: Sequence[Any],
    default: Any,
    *,
    label: str,
    format: Callable[[Any], str] = str,
    widget: Literal["segmented", "select"] = "segmented",
    help: str | None = None,
    label_visibility: Literal["visible", "collapsed"] = "visible",
    resets: Sequence[str] = (),
) -> Any:
    """Draws a control of one choice and returns the chosen option; `str(option)` is its code in the address under `key`.

    A change removes the keys `resets` from the address, whose values another choice may not have. An unknown code falls back to `default` with a notice. Raises ValueError when `default` is no option.
    """
    if default not in options:
        raise ValueError(f"{default!r} is not among the options of {key!r}")
    labels = {option: format(option) for option in options}
    asked = st.query_params.get(key)
    value = default if asked is None else _match(asked, options)
    if value is None:
        notice("site.notice.unknown", asked=asked, label=label, shown=labels[default])
        value = default
    state = f"address.{key}"
    st.session_state[state] = value
    arguments = {"key": state, "help": help, "label_visibility": label_visibility, "on_change": _write}
    arguments |= {"args": (key, str(default), tuple(resets)), "format_func": labels.__getitem__}
    if widget == "segmented":
        return st.segmented_control(label, list(options), required=True, **arguments)
    return st.selectbox(label, list(options), placeholder=t("site.choose"), **arguments)


def one_of(key: str, options: Sequence[Any], default: Any, **control: Any) -> Any:
    """A control where there is something to choose (the arguments of `choice`); what the address asks for is checked all the same."""
    if len(options) > 1:
        return choice(key, options, default, **control)
    return chosen(key, options, default, control["label"], control.get("format", str))


def one_with_code(
    key: str, offered: Sequence[Any], *, format: Callable[[Any], str], first: Any = None, **control: Any
) -> Any:
    """As `one_of`, among things that bear their code: returns the one chosen, `first` (or the first) unless the address asks for another.
    `format` takes one of them."""
    by_code = {each.code: each for each in offered}
    words = lambda code: format(by_code[code])
    return by_code[one_of(key, list(by_code), (first or offered[0]).code, format=words, **control)]


def number(
    key: str,
    options: Sequence[float] | range,
    default: float,
    *,
    label: str,
    format: Callable[[Any], str] = str,
    help: str | None = None,
) -> Any:
    """Draws a slider over `options` (any ascending values, or a range) and returns the value; `str(value)` is in the address.

    A number that is no option becomes the nearest one, anything else the default, each with a notice.
    """
    options = list(options)
    if default not in options:
        raise ValueError(f"{default!r} is not among the options of {key!r}")
    asked = st.query_params.get(key)
    value = default
    if asked is not None:
        value = _nearest(asked, options, default)
        if str(value) != asked and float(value) != _as_float(asked):
            notice("site.notice.nearest", asked=asked, label=label, shown=format(value))
    labels = {option: format(option) for option in options}
    state = f"address.{key}"
    st.session_state[state] = value
    arguments = {"key": state, "help": help, "on_change": _write, "args": (key, str(default))}
    return st.select_slider(label, options, format_func=labels.__getitem__, **arguments)


def words(key: str, *, label: str, placeholder: str, resets: Sequence[str] = ()) -> str:
    """Draws a field for a search and returns what is asked for, "" without; it is in the address as typed, up to LONGEST_SEARCH characters."""
    asked = (st.query_params.get(key) or "")[:LONGEST_SEARCH]
    state = f"address.{key}"
    st.session_state[state] = asked
    arguments = {"key": state, "on_change": _write, "args": (key, "", tuple(resets))}
    return st.text_input(label, type="search", max_chars=LONGEST_SEARCH, placeholder=placeholder, **arguments) or ""


def page(key: str, pages: int, *, label: str) -> int:
    """Draws the way from page to page where there are several, and returns the one asked for, counted from 1; a page that is not there
    becomes the nearest one, with a notice."""
    asked = st.query_params.get(key)
    number = None if asked is None else _as_float(asked)
    value = 1 if number is None else int(min(max(number, 1), pages))
    if asked is not None and str(value) != asked:
        notice("site.notice.nearest", asked=asked, label=label, shown=value)
    if pages == 1:
        return value
    state = f"address.{key}.{value}"  # a widget of its own for each page: this one takes no value from the session

    def turned() -> None:
        put(key, None if st.session_state[state] == 1 else st.session_state[state])

    return st.pagination(pages, default=value, key=state, on_change=turned)


def get(key: str, default: str | None = None) -> str | None:
    """What the address says under `key`, unchecked."""
    return st.query_params.get(key, default)


def put(key: str, value: Any) -> None:
    """Writes a value into the address, for callbacks of charts and tables; None removes it."""
    put_all({key: value})


def put_all(view: Mapping[str, Any]) -> None:
    """Writes several values into the address at once: one step of the browser's history, not one each."""
    there = st.query_params.to_dict()
    written = there | {key: str(value) for key, value in view.items()}
    wanted = {key: value for key, value in written.items() if key not in view or view[key] is not None}
    if wanted != there:
        st.query_params.from_dict(wanted)


def chosen(key: str, options: Sequence[Any], default: Any, label: str, format: Callable[[Any], str] = str) -> Any:
    """The option the address asks for under `key`, without a control; unknown values give `default` and a notice."""
    asked = st.query_params.get(key)
    if asked is None:
        return default
    option = _match(asked, options)
    if option is None:
        notice("site.notice.unknown", asked=asked, label=label, shown=format(default))
        return default
    return option


def link(page: str, **params: Any) -> str:
    """The relative address of a view with its language and data version: link("runs", run=ID) -> "runs?run=ID&lang=ko&v=…"."""
    return f"{'./' if page == 'home' else page}?{urlencode(parameters(**params))}"


def parameters(**params: Any) -> dict[str, str]:
    """The query parameters of a link: those given (None left out), the language and the data version. For `st.page_link` too."""
    given = {key: str(value) for key, value in params.items() if value is not None}
    return given | {"lang": language(), "v": data_version()}


def here(**seen: str) -> str:
    """The whole address of the view now shown, with its language and data version; `seen` says how: here(present=1)."""
    shown = {key: value for key, value in st.query_params.items() if key not in RESERVED}
    return f"{st.context.url or ''}?{urlencode(parameters(**shown) | seen)}"


def first_view() -> str:
    """The whole address of this page as it opens, with its language and data version."""
    return f"{st.context.url or ''}?{urlencode(parameters())}"


def notice(key: str, *, asked: str, **values: Any) -> None:
    """Says once a page view that something in the address was not taken as it stands, above the page; anybody may have written `asked`."""
    text = t(key, asked=literal(asked[:LONGEST_QUOTED]), **values)
    said = st.session_state.setdefault("frame.notices", [])
    if text not in said:
        said.append(text)
        slot = st.session_state.get("frame.notice_slot")
        (slot if slot is not None else st).info(text, icon=":material/info:")


def _write(key: str, default: str, resets: Sequence[str] = ()) -> None:
    for other in resets:
        put(other, None)
    code = str(st.session_state[f"address.{key}"])
    put(key, None if code == default else code)  # a short address says only what differs


def _match(asked: str, options: Sequence[Any]) -> Any:
    """The option whose code is asked for, 0 and 0.0 being the same; None when there is none."""
    number = _as_float(asked)
    for option in options:
        same_number = number is not None and isinstance(option, int | float) and float(option) == number
        if str(option) == asked or same_number:
            return option
    return None


def _nearest(asked: str, options: list[float], default: float) -> float:
    value = _as_float(asked)
    return default if value is None else min(options, key=lambda option: abs(option - value))


def _as_float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
