// Prints every row of some Delta tables as ClickHouse's reader sees them: one JSON object a line.
// Usage: node read-tables.mjs <lake> <table>...   (its reader wants absolute paths below the working directory)
import { join, resolve } from 'node:path'
import { query } from 'chdb'

const [lake, ...tables] = process.argv.slice(2)
process.chdir(resolve(lake))
for (const table of tables) {
  const path = join(process.cwd(), table).replaceAll("'", "\\'")
  const settings =
    "SETTINGS date_time_output_format = 'iso', session_timezone = 'UTC', output_format_json_quote_64bit_integers = 1"
  for (const line of query(`SELECT * FROM deltaLakeLocal('${path}') ${settings}`, 'JSONEachRow').split(
    '\n',
  )) {
    if (line !== '') process.stdout.write(`${JSON.stringify({ table, row: JSON.parse(line) })}\n`)
  }
}
