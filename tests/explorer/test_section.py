from explorer import section


def cell(name, lr, chosen=False):
    return {"name": name, "lr": lr, "chosen": chosen}


def test_a_rate_is_at_an_end_of_those_tried_with_its_own_network():
    cells = [
        cell("smallest", 0.1, chosen=True), cell("smallest", 0.2), cell("smallest", 0.4),
        cell("middle", 0.1), cell("middle", 0.2, chosen=True), cell("middle", 0.4),
        cell("largest", 0.1), cell("largest", 0.2, chosen=True),
        cell("alone", 0.4, chosen=True),
    ]  # fmt: skip
    assert section.rates_at_ends(cells, lambda each: each["name"]) == ["smallest", "largest"]
