"""The studies of a question, as its page offers them."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.database import query


@dataclass(frozen=True)
class Study:
    """One grid of runs."""

    name: str

    @property
    def code(self) -> str:
        """Its name in the address and in the texts: what stands behind the slash."""
        return self.name.partition("/")[2]


def offered(question: str, codes: Sequence[str]) -> list[Study]:
    """The studies of a question with at least one finished run, in the order of `codes`; none that is not among them."""
    rows = query(
        "SELECT study FROM studies WHERE question = $question AND complete + diverged > 0", {"question": question}
    )
    found = [Study(name) for name in rows["study"].to_pylist()]
    return sorted((study for study in found if study.code in codes), key=lambda study: codes.index(study.code))


def planned(study: str) -> tuple[int, int]:
    """Runs of the study of this name that are finished, and runs of its full grid."""
    row = query(
        "SELECT complete + diverged + failed AS done, planned FROM studies WHERE study = $study", {"study": study}
    ).to_pylist()[0]
    return int(row["done"]), row["planned"]
