import pytest

from features.guessing.guess import guess
from features.guessing.hints import score
from features.guessing.template import render


@pytest.mark.parametrize("name", ["Marke", "Automarke", "merk", "brand_name"])
def test_a_brand_is_told_by_its_name(name):
    assert score("brand", name) >= 0.8


def test_a_store_is_told_by_its_name(write, tmp_path, answers):
    header = ["customer", "date", "amount_eur", "Filiale", "store_credit"]
    found = guess(write(header, lambda i, day: (i % 9, day, i, f"F{i % 3}", i % 2)), answers())
    assert found.roles["store"].column == "Filiale"
    assert found.unused == ("store_credit",)
    assert 'store = "Filiale"  # the shop or branch where it was bought' in render(found)


def test_a_word_inside_another_tells_nothing(write, answers):
    assert score("brand", "Bemerkung") == 0
    header = ["customer", "date", "amount", "Bemerkung"]
    found = guess(
        write(header, lambda i, day: (i % 9, day, i, "gift" if i % 3 else "none yet")), answers()
    )
    assert "brand" not in found.roles
    assert found.unused == ("Bemerkung",)
