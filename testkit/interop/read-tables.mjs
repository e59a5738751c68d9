// Reads Delta tables as ClickHouse's reader sees them. Standard input: a JSON array of {id, table, version?}; standard output: for
// each its columns with that engine's types, then its rows, or the error, one JSON object a line.
// Usage: node read-tables.mjs <folder>   (the reader wants absolute paths below the working directory)
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { query } from 'chdb'

process.chdir(resolve(process.argv[2]))
for (const { id, table, version } of JSON.parse(readFileSync(0, 'utf8'))) {
  const say = (fact) => process.stdout.write(`${JSON.stringify({ id, ...fact })}\n`)
  try {
    const path = join(process.cwd(), table).replaceAll('\\', '\\\\').replaceAll("'", "\\'")
    const from = `deltaLakeLocal('${path}')`
    const settings = [
      "date_time_output_format = 'iso'",
      "session_timezone = 'UTC'",
      'output_format_json_quote_64bit_integers = 1',
      'output_format_json_quote_denormals = 1',
      ...(version === undefined ? [] : [`delta_lake_snapshot_version = ${version}`]),
    ].join(', ')
    const lines = (sql) => query(`${sql} SETTINGS ${settings}`, 'JSONEachRow').split('\n').filter(Boolean)
    const types = lines(`DESCRIBE TABLE ${from}`).map((line) => JSON.parse(line))
    say({ types: Object.fromEntries(types.map(({ name, type }) => [name, type])) })
    for (const line of lines(`SELECT * FROM ${from}`)) say({ row: JSON.parse(line) })
  } catch (error) {
    say({ error: String(error.message) })
  }
}
