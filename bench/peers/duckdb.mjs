/** DuckDB's own COPY, as it is out of the box: `node duckdb.mjs <csv> <out> <threads> <text|auto>`. */
import { DuckDBInstance } from '@duckdb/node-api'

const [file, out, threads, types] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads })
const connection = await instance.connect()
const read = types === 'text' ? `read_csv('${file}', all_varchar = true)` : `read_csv('${file}')`
const codec = types === 'text' ? ', COMPRESSION zstd' : ''
await connection.run(
  `COPY (SELECT * FROM ${read}) TO '${out}' (FORMAT parquet${codec}, PARTITION_BY (council_district))`,
)
