"""The parts of claims in words."""

from explorer import claim_parts


def test_a_difference_of_shares_is_told_in_points_and_a_share_in_percent(english):
    shares = {"estimate": 0.1, "low": -0.2, "high": 0.4, "unit": "share", "own": {"estimate": 0.3}}
    difference = {"quantity": "share_of_rates_that_train_with_minus_without"} | shares
    assert claim_parts.quantity(difference) == "+10 points (−20 to +40)"
    assert claim_parts.difference(difference) == "+20.0 points"
    assert claim_parts.quantity({"quantity": "dead_share_of_relu"} | shares) == "10% (−20% to 40%)"
