import { QUARANTINE_COLUMNS, ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import { KINDS, tidyColumns } from '../contracts/kinds.js'
import { WardbookError } from '../kernel/errors.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { type RawPart, rawRowsSql } from '../lake/duckdb/raw-rows.js'
import { identifier, literal } from '../lake/duckdb/sql.js'
import { writeParquet } from '../lake/duckdb/write.js'
import { putPart } from '../lake/parts.js'
import type { ObjectStore } from '../lake/store.js'
import type { DivisionInput, DivisionResult, HarmonizeJob } from './harmonize-job.js'
import { BLANKS, instantsSql, reasonSql, textSql, tidySql, untypedCountsSql } from './typing-sql.js'

/** The part worker of harmonize: types the rows of a few divisions, one raw part at a time. */
export async function harmonizeDivisions(store: ObjectStore, job: HarmonizeJob): Promise<DivisionResult[]> {
  const results: DivisionResult[] = []
  for (const division of job.divisions) results.push(await harmonizeDivision(store, job, division))
  return results
}

async function harmonizeDivision(
  store: ObjectStore,
  job: HarmonizeJob,
  input: DivisionInput,
): Promise<DivisionResult> {
  const parts: PartResult[] = []
  for (const [index, part] of input.parts.entries())
    parts.push(await harmonizePart(store, job, input, part, index))
  const total = (pick: (part: PartResult) => number) => parts.reduce((sum, part) => sum + pick(part), 0)
  const untypedCells: Record<string, number> = {}
  for (const part of parts) {
    for (const [field, count] of Object.entries(part.untypedCells))
      untypedCells[field] = (untypedCells[field] ?? 0) + count
  }
  return {
    division: input.division,
    rowsIn: total(({ rowsIn }) => rowsIn),
    rowsOut: total(({ rowsOut }) => rowsOut),
    rowsQuarantined: total(({ rowsQuarantined }) => rowsQuarantined),
    rowsDuplicate: total(({ rowsDuplicate }) => rowsDuplicate),
    untypedCells,
    parts: parts.flatMap(({ tidy }) => tidy),
    quarantined: parts.flatMap(({ quarantined }) => quarantined),
  }
}

interface PartResult extends Omit<DivisionResult, 'division' | 'parts' | 'quarantined'> {
  readonly tidy: readonly NewFile[]
  readonly quarantined: readonly NewFile[]
}

/** One engine a part: what it held in memory is gone before the next part. */
async function harmonizePart(
  store: ObjectStore,
  job: HarmonizeJob,
  input: DivisionInput,
  part: RawPart,
  index: number,
): Promise<PartResult> {
  const scratch = await store.scratch()
  const staged = await store.stage(part.object)
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      await openPart(engine, job, part, staged.file)
      const counts = await countRows(engine, job)
      const made = await writeFiles(
        engine,
        job,
        input.division,
        scratch.folder,
        index,
        counts.rowsQuarantined,
      )
      demandBalance(job, input.division, counts, made.rowsOut)
      const { rowsIn, rowsQuarantined, untypedCells } = counts
      const rowsDuplicate = rowsIn - rowsQuarantined - made.rowsOut
      const tidy = made.tidy ? [await putPart(store, job.table, job.rawVersion, made.tidy)] : []
      const bad = made.bad ? [await putPart(store, job.quarantineTable, job.rawVersion, made.bad)] : []
      return {
        rowsIn,
        rowsOut: made.rowsOut,
        rowsQuarantined,
        rowsDuplicate,
        untypedCells,
        tidy,
        quarantined: bad,
      }
    })
  } finally {
    await staged.release()
    await scratch.remove()
  }
}

/** Views over one raw part: `part` (its rows), `winners` (which row of each repeated key stays). */
async function openPart(engine: Engine, job: HarmonizeJob, part: RawPart, file: string): Promise<void> {
  const rows = await rawRowsSql(engine, file, part, job.rawColumns)
  await engine.run(
    `CREATE TEMP VIEW part AS SELECT *, ${reasonSql(job.fields)} AS _reason FROM (SELECT *${instantsSql(job.fields)} FROM (${rows}))`,
  )
  const repeats = `SELECT ${keySql(job)} AS _key FROM part WHERE ${keySql(job)} IS NOT NULL GROUP BY 1 HAVING count(*) > 1`
  const [some] = await engine.rows(`${repeats} LIMIT 1`)
  await engine.run(
    `CREATE TEMP TABLE winners AS SELECT ${keySql(job)} AS _key, max(${rankSql()}) AS _rank FROM part ` +
      `WHERE ${some === undefined ? 'false' : '_reason IS NULL'} AND ${keySql(job)} IS NOT NULL GROUP BY 1 HAVING count(*) > 1`,
  )
}

/** A row's key, or null: rows without a key are never duplicates of each other. */
function keySql(job: HarmonizeJob): string {
  return job.key === undefined ? 'NULL::VARCHAR' : `nullif(trim(${identifier(job.key)}, ${BLANKS}), '')`
}

/** Of rows with one key the one from the latest page stays; ties are settled by the row's hash, then its place. */
function rankSql(): string {
  return `{page: ${SOURCE_PAGE}, hash: ${ROW_HASH}, place: file_row_number}`
}

async function countRows(engine: Engine, job: HarmonizeJob) {
  const untyped = untypedCountsSql(job.fields)
  const [row] = await engine.rows<Record<string, number>>(
    `SELECT count(*) AS _rows, count(_reason) AS _bad${untyped === '' ? '' : `, ${untyped}`} FROM part`,
  )
  const { _rows: rowsIn = 0, _bad: rowsQuarantined = 0, ...fields } = row ?? {}
  const untypedCells = Object.fromEntries(Object.entries(fields).filter(([, count]) => count > 0))
  return { rowsIn, rowsQuarantined, untypedCells }
}

async function writeFiles(
  engine: Engine,
  job: HarmonizeJob,
  division: string,
  folder: string,
  index: number,
  badRows: number,
) {
  const partition = { [job.partitionColumn]: division }
  const good =
    `SELECT ${tidySql(job.kind, job.fields, job.source, job.timeZone)} FROM part LEFT JOIN winners ON ${keySql(job)} = _key ` +
    `WHERE _reason IS NULL AND (_key IS NULL OR ${rankSql()} = _rank)`
  const tidy = await writeParquet(
    engine,
    folder,
    `tidy-${index}`,
    good,
    tidyColumns(job.kind),
    partition,
    `${KINDS[job.kind].at}, ${ROW_HASH}`,
  )
  const bad =
    badRows === 0
      ? undefined
      : await writeParquet(
          engine,
          folder,
          `bad-${index}`,
          badSql(job),
          QUARANTINE_COLUMNS,
          partition,
          'row_hash',
        )
  return { tidy: tidy && { ...tidy, tags: { source: job.source } }, bad, rowsOut: tidy?.rows ?? 0 }
}

function badSql(job: HarmonizeJob): string {
  const required = job.fields.filter(({ isRequired }) => isRequired)
  const shown = required.map(
    (field) => `${literal(`${field.name}: `)} || coalesce(${textSql(field)}, '(blank)')`,
  )
  const raw = job.rawColumns.map((name) => `${literal(name)}: ${identifier(name)}`).join(', ')
  return (
    `SELECT _reason AS reason, ${shown.join(` || '; ' || `)} AS detail, NULL AS source_file, ${SOURCE_PAGE} AS source_page, ` +
    `NULL AS line, NULL AS byte_offset, ${ROW_HASH} AS row_hash, to_json({${raw}})::VARCHAR AS raw_text ` +
    'FROM part WHERE _reason IS NOT NULL'
  )
}

/** No row may vanish between raw and tidy: what is neither kept nor set aside is a duplicate of a kept key. */
function demandBalance(
  job: HarmonizeJob,
  division: string,
  { rowsIn, rowsQuarantined }: { rowsIn: number; rowsQuarantined: number },
  rowsOut: number,
): void {
  const duplicates = rowsIn - rowsQuarantined - rowsOut
  if (duplicates >= 0 && (job.key !== undefined || duplicates === 0)) return
  throw new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}, division ${division}: ${rowsIn} rows in, ${rowsOut} out, ${rowsQuarantined} in quarantine`,
    { table: job.table, division, rowsIn, rowsOut, rowsQuarantined },
  )
}
