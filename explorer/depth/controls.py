"""What a reader may change, all of it in the address: the study, its normalization, the error axis, and which network is opened."""

from explorer import address, format
from explorer.results import depth as results
from explorer.results.depth import Study, View
from explorer.text import t

NETWORK = ("depth", "seed")  # what opens one network; another study may not have it


def view(offered: list[Study]) -> View:
    """Draws the controls of study and normalization, where there is a choice, and returns what they say."""
    study = address.one_with_code(
        "study",
        offered,
        label=t("depth.control.study"),
        format=lambda each: t(f"depth.study.{each.code}"),
        widget="select",
        resets=("norm", *NETWORK),
    )
    found = results.norms(study)
    norm = address.one_of(
        "norm",
        found,
        found[0],
        label=t("depth.control.norm"),
        format=lambda code: t(f"depth.norm.{code}"),
        help=t("depth.control.norm_help"),
        resets=NETWORK,
    )
    return View(study, norm)


def error_scale() -> str:
    """Draws the control of the error axis: linear or log."""
    return address.choice(
        "y",
        ["linear", "log"],
        "linear",
        label=t("depth.control.y"),
        format=lambda code: t(f"depth.scale.{code}"),
        help=t("depth.control.y_help"),
    )


def depth(offered: list[int]) -> int:
    """Draws the control of the depth of the opened network; the deepest unless the reader chose another."""
    return address.number("depth", offered, offered[-1], label=t("depth.control.depth"), format=format.count)


def seed(offered: list[int]) -> int:
    """Draws the control of its seed, where there are several."""
    return address.one_of("seed", offered, offered[0], label=t("site.seed"))
