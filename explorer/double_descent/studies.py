"""What the page on generalization shows below its map, study by study, and what the critics say."""

import streamlit as st

from explorer import question_page
from explorer.double_descent import comparisons, critics, memorised, theory, training
from explorer.text import t


def sections() -> None:
    """Five sections, each on one study: along the epochs, what is memorised, more data, weight decay, theory."""
    st.header(t("generalization_studies.heading"))
    st.markdown(t("generalization_studies.text"), width=question_page.READING)
    training.one_network()
    memorised.wrong_labels()
    comparisons.more_data()
    comparisons.weight_decay()
    theory.beside_measurement()


def criticism() -> None:
    """Four critical papers, and how our runs bear on each."""
    critics.papers()
