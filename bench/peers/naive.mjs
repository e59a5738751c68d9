/** The naive way: everything read, grouped by district, written: `node naive.mjs <csv> <out>`. */
import { mkdirSync, readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { parquetWriteFile } from 'hyparquet-writer'

const [file, out] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
const rows = parse(readFileSync(file), { columns: true })
const groups = Map.groupBy
  ? Map.groupBy(rows, (row) => row.council_district)
  : rows.reduce((map, row) => {
      const group = map.get(row.council_district)
      if (group) group.push(row)
      else map.set(row.council_district, [row])
      return map
    }, new Map())
let number = 0
for (const group of groups.values()) {
  const columnData = Object.keys(group[0]).map((name) => ({
    name,
    data: group.map((row) => row[name]),
    type: 'STRING',
  }))
  parquetWriteFile({ filename: `${out}/${number++}.parquet`, columnData })
}
