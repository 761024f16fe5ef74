"""What the page on generalization shows below its map, study by study, and what the critics say."""

import streamlit as st

from explorer import question_page
from explorer.double_descent import comparisons, critics, fitted, memorised, theory, training
from explorer.text import t


def sections() -> None:
    """Six sections, each on one study: along the epochs, what is memorised, more data, how many images are fitted, weight decay, theory."""
    st.header(t("generalization_studies.heading"))
    st.markdown(t("generalization_studies.text"), width=question_page.READING)
    training.one_network()
    memorised.wrong_labels()
    comparisons.more_data()
    fitted.images()
    comparisons.weight_decay()
    theory.beside_measurement()


def criticism() -> None:
    """Four critical papers, and how our runs bear on each."""
    critics.papers()
