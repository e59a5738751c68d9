/** chdb (ClickHouse in the process): `node chdb.mjs <csv> <out> <threads>`. */
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'

const chdb = createRequire(import.meta.url)('chdb')
const [file, out, threads] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
const gzip = file.endsWith('.gz') ? ", 'gzip'" : ''
const structure = process.argv[5]
  .split(',')
  .map((name) => `${name} String`)
  .join(', ')
chdb.query(
  `INSERT INTO FUNCTION file('${out}/{_partition_id}.parquet', 'Parquet', '${structure}') PARTITION BY council_district ` +
    `SELECT * FROM file('${file}', 'CSVWithNames', '${structure}'${gzip}) ` +
    `SETTINGS max_threads = ${threads}, max_insert_threads = 1, output_format_parquet_compression_method = 'zstd', ` +
    'engine_file_truncate_on_insert = 1',
)
