from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest


def controls() -> None:
    import streamlit as st

    from explorer import address

    noise = address.choice("noise", [0.0, 0.1, 0.2], 0.2, label="Noise")
    measure = address.choice(
        "measure",
        ["test", "gap"],
        "test",
        label="Measure",
        format={"test": "테스트", "gap": "차이"}.get,
        widget="select",
    )
    width = address.number("width", [1, 2, 4, 8, 64], 8, label="Width")
    picked = address.chosen("cell", ["1-2", "3-4"], "1-2", "Cell")
    st.text(f"{noise} {measure} {width} {picked}")
    st.text(address.link("runs", run="abc", width=None))


def shown(**query: str) -> AppTest:
    app = AppTest.from_function(controls, default_timeout=20)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def values(app: AppTest) -> str:
    assert not app.exception
    return app.text[0].value


def test_without_an_address_the_defaults_are_shown():
    assert values(shown()) == "0.2 test 8 1-2"
    assert not shown().info


def test_codes_in_the_address_are_taken_whatever_the_label():
    assert values(shown(noise="0.1", measure="gap", width="64", cell="3-4")) == "0.1 gap 64 3-4"


def test_zero_may_be_written_either_way():
    assert values(shown(noise="0")) == "0.0 test 8 1-2"
    assert values(shown(noise="0.0", width="4.0")) == "0.0 test 4 1-2"
    assert not shown(noise="0").info


@pytest.mark.parametrize(
    ("query", "expected", "notices"),
    [
        ({"noise": "0.15"}, "0.2 test 8 1-2", 1),
        ({"measure": "'; DROP TABLE runs"}, "0.2 test 8 1-2", 1),
        ({"width": "60"}, "0.2 test 64 1-2", 1),
        ({"width": "-3"}, "0.2 test 1 1-2", 1),
        ({"width": "wide"}, "0.2 test 8 1-2", 1),
        ({"width": "nan"}, "0.2 test 8 1-2", 1),
        ({"width": "inf"}, "0.2 test 8 1-2", 1),
        ({"cell": "99-99"}, "0.2 test 8 1-2", 1),
        ({"noise": "x", "measure": "y", "cell": "z"}, "0.2 test 8 1-2", 3),
    ],
)
def test_values_that_do_not_exist_give_the_nearest_valid_view_and_a_notice(query, expected, notices):
    app = shown(**query)
    assert values(app) == expected
    assert len(app.info) == notices


def test_a_choice_is_written_into_the_address_and_a_default_taken_out_of_it():
    app = shown()
    app.segmented_control[0].set_value(0.1).run()
    assert values(app) == "0.1 test 8 1-2"
    assert app.query_params["noise"] == "0.1"
    app.selectbox[0].set_value("gap").run()
    assert app.query_params["measure"] == "gap"
    app.segmented_control[0].set_value(0.2).run()
    assert values(app) == "0.2 gap 8 1-2"
    assert "noise" not in app.query_params


def test_a_slider_writes_its_number():
    app = shown()
    app.select_slider[0].set_value(64).run()
    assert values(app) == "0.2 test 64 1-2"
    assert app.query_params["width"] == "64"


def test_a_link_carries_the_language_and_the_data_version():
    from explorer.results.site import data_version

    link = urlsplit(shown().text[1].value)
    assert link.path == "runs"
    assert parse_qs(link.query) == {"run": ["abc"], "lang": ["en"], "v": [data_version()]}
