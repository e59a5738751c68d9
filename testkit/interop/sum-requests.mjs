// Rows and checksums of requests by division and column, as ClickHouse's reader sees them: one JSON object a division.
// Usage: node sum-requests.mjs <lake or folder> file|delta|tidy <path below it>
import { join, resolve } from 'node:path'
import { query } from 'chdb'

const [base, kind, path] = process.argv.slice(2)
process.chdir(resolve(base))
const full = join(process.cwd(), path).replaceAll("'", "\\'")
const from = kind === 'file' ? `file('${full}', 'Parquet')` : `deltaLakeLocal('${full}')`
const division = kind === 'file' ? "ifNull(district, 'unassigned')" : 'council_district'
// Each cell is read as its type again: text of one instant or number differs between engines, its value may not.
const cells = {
  id: 'toInt64(toString(id))',
  type: 'toString(type)',
  note: "ifNull(toString(note), '\\0')",
  opened: "parseDateTime64BestEffort(toString(opened), 6, 'UTC')",
  lat: 'ifNull(toFloat64(toString(lat)), -1)',
  open: "toString(open) IN ('true', '1')",
}
const sums = Object.entries(cells).map(([name, cell]) => `sum(cityHash64(${cell})) AS ${name}_sum`)
// A tidy table has other columns: its rows are counted.
if (kind === 'tidy') sums.length = 0
const sql =
  `SELECT ${division} AS division, ${['count() AS requests', ...sums].join(', ')} FROM ${from} GROUP BY division ORDER BY division ` +
  "SETTINGS session_timezone = 'UTC', output_format_json_quote_64bit_integers = 1"
process.stdout.write(query(sql, 'JSONEachRow'))
