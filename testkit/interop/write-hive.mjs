// Writes one Parquet file as a hive folder, as polars or ClickHouse types it: one file a division.
// Usage: node write-hive.mjs polars|chdb <source.parquet> <folder> <divisions as JSON: [value or null, folder name]...>
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [writer, source, folder, divisions] = process.argv.slice(2)

async function withPolars() {
  const { default: pl } = await import('nodejs-polars')
  const all = pl.readParquet(source)
  return (value, file) => {
    const district = pl.col('district')
    const rows = all.filter(value === null ? district.isNull() : district.eq(pl.lit(value)))
    rows.drop('district').writeParquet(file, { compression: 'zstd' })
  }
}

async function withChdb() {
  const { query } = await import('chdb')
  const text = (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  return (value, file) => {
    const where = value === null ? 'district IS NULL' : `district = ${text(value)}`
    query(
      `INSERT INTO FUNCTION file(${text(resolve(file))}, 'Parquet') SELECT * EXCEPT (district) ` +
        `FROM file(${text(resolve(source))}, 'Parquet') WHERE ${where}`,
    )
  }
}

const write = writer === 'polars' ? await withPolars() : await withChdb()
for (const [value, name] of JSON.parse(divisions)) {
  mkdirSync(join(folder, name), { recursive: true })
  write(value, join(folder, name, 'part-0.parquet'))
}
