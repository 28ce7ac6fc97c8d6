from dataclasses import fields

from net4moe.table import COLUMNS, ScoreRow


def test_every_field_of_a_row_is_a_column_in_the_same_order() -> None:
    """The columns describe the fields of a row, one for one."""
    assert [field.name for field in fields(ScoreRow)] == list(COLUMNS)


def test_every_column_says_what_it_means() -> None:
    """Each column has a meaning in full sentences, and each number a lower limit."""
    for name, column in COLUMNS.items():
        assert column.meaning.endswith("."), name
        assert (column.low is not None) == (column.kind != "text"), name
