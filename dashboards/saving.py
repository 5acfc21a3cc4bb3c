"""Writing a table into a file: Parquet with real types, or a picture."""

from pathlib import Path

import duckdb

from dashboards import pictures
from dashboards.plotted import chart_rows, titled
from dashboards.render import key
from dashboards.reports import named
from dashboards.tables import BadReport, Cell, Column, Table, Unit
from router.catalog.money import usd_text


def parquet(table: Table, path: Path) -> None:
    """Write a table; money is a decimal of US dollars, exact to the picodollar. Raises `BadReport`."""
    columns = [f'"{key(column)}" {_type(table, index, column)}' for index, column in enumerate(table.columns)]
    try:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE report ({', '.join(columns)})")
            if table.rows:
                marks = ", ".join("?" for _ in columns)
                # Our own marks; every value is bound.
                connection.executemany(f"INSERT INTO report VALUES ({marks})", _rows(table))  # noqa: S608
            quoted = str(path).replace("'", "''")
            connection.execute(f"COPY report TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise BadReport(f"{path} cannot be written: {str(error).splitlines()[0]}") from error


def picture(table: Table, name: str, path: Path, folder: Path | None) -> None:
    """Draw a report's chart; raises `BadReport` if it has none, `pictures.BadChart`."""
    form = pictures.form_of(path)
    chart = named(name, folder).chart
    if chart is None:
        raise BadReport(f"The report {name!r} has no chart; put one beside it as {name}.vl.json.")
    path.write_bytes(pictures.draw(titled(chart, table), chart_rows(table), form))


def _type(table: Table, index: int, column: Column) -> str:
    if column.unit is Unit.PICODOLLARS:
        return "DECIMAL(38, 12)"
    kinds = {type(row[index]) for row in table.rows if row[index] is not None}
    if column.unit is not Unit.NONE or float in kinds:
        return "DOUBLE"
    return "BIGINT" if kinds == {int} else "BOOLEAN" if kinds == {bool} else "VARCHAR"


def _rows(table: Table) -> list[list[Cell]]:
    units = [column.unit for column in table.columns]
    return [[_cell(cell, unit) for cell, unit in zip(row, units, strict=True)] for row in table.rows]


def _cell(cell: Cell, unit: Unit) -> Cell:
    return usd_text(cell) if unit is Unit.PICODOLLARS and isinstance(cell, int) else cell
