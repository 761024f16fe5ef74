"""The statement beside a picture gives the rows of the files beside it."""

import pytest

from explorer import take_away
from tests.pages.reading import ask


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("generalization", {}),
        ("generalization", {"study": "random_features", "measure": "loss"}),
        ("activation", {}),
        ("activation", {"study": "cifar10_cnn_small"}),
        ("depth", {}),
        ("batch_size", {}),
        ("batch_size", {"study": "mnist_cnn"}),
    ],
)
def test_the_statement_gives_exactly_the_rows_of_the_files(opened, results_file, monkeypatch, page, query):
    given, drawn = [], take_away.take_away
    monkeypatch.setattr(take_away, "take_away", lambda **told: (given.append(told), drawn(**told)))
    app = opened(page, **query)
    assert not app.exception and not app.info
    (told,) = given
    assert told["sql"].strip() in [each.value for each in app.code]
    rows = [tuple(row.values()) for row in told["table"].to_pylist()]
    assert rows and ask(results_file, told["sql"]) == rows
