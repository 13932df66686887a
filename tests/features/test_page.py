from dataclasses import replace

from features import catalog, page
from features.lenses import journey


def test_the_page_has_a_table_a_lens_and_a_row_a_feature(shop):
    shown = page.render(shop.spec, "shop").splitlines()
    made = catalog.features(shop.spec)
    headings = [line for line in shown if line.startswith("## ")]
    lenses = dict.fromkeys(feature.lens for feature in made)
    assert headings == [f"## {lens.capitalize()}" for lens in lenses]
    rows = [line for line in shown if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [feature.name for feature in made]
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    assert (
        "| `gap_mean` | days | number | fewer than two orders | Mean time between orders. |" in rows
    )


def test_the_page_has_the_rules_of_every_stage(shop):
    shown = page.render(shop.spec, "shop").splitlines()
    rules = [line for line in shown if line.startswith(tuple(f"| {s} |" for s in journey.STAGES))]
    assert len(rules) == len(journey.STAGES)
    assert "| prospect | no order yet |" in rules


def test_the_page_says_what_it_was_made_for(shop):
    shown = page.render(shop.spec, "shop")
    count, digest = len(catalog.features(shop.spec)), catalog.catalog_hash(shop.spec)
    assert f"the experiment `shop`: {count} of them, catalog `{digest}`" in shown
    assert "generated for that one experiment" in shown
    assert "decided by the data" in shown


def test_names_from_the_data_do_not_break_a_table(shop):
    odd = replace(shop.spec, categories=("wine | beer\n<b>",))
    (row,) = [r for r in page.render(odd, "shop").splitlines() if "category_share" in r]
    assert "of the category 'wine \\| beer" in row
    assert "<b>" not in row
