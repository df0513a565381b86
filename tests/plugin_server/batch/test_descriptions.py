"""Where the description of each photo comes from, and tables as people's programs write them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from plugin_server.batch.descriptions import (
    Described,
    Descriptions,
    DescriptionsError,
    read_table,
)
from tests.support.pictures import grey_picture


def table(tmp_path: Path, data: str | bytes) -> dict[str, str]:
    file = tmp_path / "table.csv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(file)


@pytest.mark.parametrize(
    "data",
    [
        "file,description\na.png,a red tram\n",
        "file,description\r\na.png,a red tram\r\n",
        "\ufefffile;description\na.png;a red tram\n",
        "File\tDESCRIPTION\na.png\ta red tram",
        "id|file|description|year\n7|a.png|a red tram|1923\n",
        '"file","description"\n"a.png","a red\ntram"\n',
        "file,description\na.png,  a red   tram \nb.png,\n,nobody\n\nshort\n",
        "\nfile,description\n.\\a.png,a red tram\n",
    ],
)
def test_tables_in_many_dialects(tmp_path: Path, data: str) -> None:
    assert table(tmp_path, data) == {"a.png": "a red tram"}


def test_tables_in_many_encodings(tmp_path: Path) -> None:
    text = "file;description\ngroßmutter.png;Großmutter im grünen Kleid\n"
    expected = {"großmutter.png": "Großmutter im grünen Kleid"}
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert table(tmp_path, text.encode(encoding)) == expected, encoding


def test_quotes_and_delimiters_inside_a_cell(tmp_path: Path) -> None:
    rows = table(tmp_path, 'description,file\n"a ""red"" tram, a street","b, c.png"\n')
    assert rows == {"b, c.png": 'a "red" tram, a street'}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "file and description"),
        ("name,text\na,b\n", "name,text"),
        ("file,description\na.png,one\na.png,two\n", "line 3"),
        ('file,description\na.png,one\nb.png,"blue sea\nc.png,red sand\n', "line 3: .*closed"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, data: str, words: str) -> None:
    with pytest.raises(DescriptionsError, match=words):
        table(tmp_path, data)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DescriptionsError, match="cannot read"):
        read_table(tmp_path / "none.csv")


def test_the_most_exact_name_counts(tmp_path: Path) -> None:
    rows = {"x/a.png": "path", "x/a": "path without suffix", "a.png": "name", "a": "stem"}
    for expected in list(rows.values()):
        given = Descriptions(rows).given("x/a.png", tmp_path / "x/a.png")
        assert given == Described(expected, "csv")
        del rows[next(iter(rows))]
    assert Descriptions(rows).given("x/a.png", tmp_path / "x/a.png") is None


def test_letters_with_marks_are_the_same_composed_or_not(tmp_path: Path) -> None:
    rows = table(tmp_path, "file,description\ne\u0301te\u0301.png,summer\n")
    given = Descriptions(rows).given("\xe9t\xe9.png", tmp_path / "a.png")
    assert given == Described("summer", "csv")


def test_precedence(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    (tmp_path / "a.txt").write_text("from beside\n")
    everything = Descriptions({"a.png": "from the table"}, "for all")
    assert everything.given("a.png", photo) == Described("from the table", "csv")
    no_row = Descriptions({"b.png": "another"}, "for all")
    assert no_row.given("a.png", photo) == Described("from beside", "sidecar")
    (tmp_path / "a.txt").unlink()
    assert no_row.given("a.png", photo) == Described("for all", "option")
    assert Descriptions().given("a.png", photo) is None


def test_no_captions_means_none_but_those_given(tmp_path: Path) -> None:
    (tmp_path / "a.png.json").write_text('{"caption": "from beside"}')
    photo = tmp_path / "a.png"
    assert Descriptions().given("a.png", photo) == Described("from beside", "sidecar")
    assert Descriptions(captions=False).given("a.png", photo) == Described("", "")
    assert Descriptions({}, "all", False).given("a.png", photo) == Described("all", "option")


def test_rows_that_describe_nothing_are_known(tmp_path: Path) -> None:
    descriptions = Descriptions({"a.png": "one", "b.png": "two"})
    descriptions.given("x/b.png", tmp_path / "b.png")
    assert descriptions.unused() == ["a.png"]


def test_the_caption_inside() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a red tram"
    file = io.BytesIO()
    Image.fromarray(grey_picture()).save(file, "JPEG", exif=exif)
    assert Descriptions().inside(file.getvalue()) == Described("a red tram", "embedded")
    for nothing in (b"", b"no picture", file.getvalue()[:50]):
        assert Descriptions().inside(nothing) == Described("", "")
