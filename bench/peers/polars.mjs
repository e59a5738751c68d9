/** nodejs-polars: all of it in memory, a filter a district, a file each: `node polars.mjs <csv> <out>`. */
import { mkdirSync } from 'node:fs'
import pl from 'nodejs-polars'

const [file, out] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
const table = pl.readCSV(file, { inferSchemaLength: 0 })
const districts = table.getColumn('council_district').unique().toArray()
for (const [at, district] of districts.entries()) {
  const column = pl.col('council_district')
  const rows = table.filter(district === null ? column.isNull() : column.eq(pl.lit(district)))
  rows.drop('council_district').writeParquet(`${out}/${at}.parquet`, { compression: 'zstd' })
}
