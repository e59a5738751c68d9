import { join } from 'node:path'
import { RAW_COLUMNS } from '../../contracts/columns.js'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import type { NewFile } from '../../lake/delta/table.js'
import { type Engine, type EngineProfile, LEAN, withEngine } from '../../lake/duckdb/engine.js'
import { literal, PARQUET_OPTIONS } from '../../lake/duckdb/sql.js'
import { type FinishedFile, sha256OfFile } from '../../lake/parts.js'
import type { ObjectStore, Originals, StagedFile } from '../../lake/store.js'
import { type PartsJob, storeParts, withinBudget } from '../part-budget.js'
import type { AdoptedDivision, AdoptJob, DivisionFiles, FileInput } from './adopt-job.js'
import { disagreeingRowsSql, type OpenFile, rawRowsOfFilesSql } from './adopt-sql.js'
import { keyOf, type OpenOriginals, originalsOf } from './originals.js'
import { registerFiles } from './register-files.js'

const MIB = 2 ** 20
/** Up to here a reader holds a row group within the lean profile, whatever its pages are. */
const LEAN_ROW_GROUP_BYTES = 48 * MIB
/** The most that a foreign row group may ask of the engine. */
const MAX_ENGINE_MB = 1_024

/**
 * The part worker of adoption: the files of a few divisions become parts, or stay as they are and are only named. Files are
 * read as streams; what is copied keeps the part budget. Originals are read and nothing else.
 * @throws WardbookError 'changed-during-read' (retry), 'folder-disagrees' (fix-source), 'row-group-too-large' (shrink),
 *   'part-too-large' (shrink), 'row-count-differs' (report-bug); nothing is committed then
 */
export async function adoptDivisions(
  store: ObjectStore,
  job: AdoptJob,
  open: OpenOriginals,
): Promise<AdoptedDivision[]> {
  const originals = await originalsOf(store, job, open)
  const adopted: AdoptedDivision[] = []
  for (const division of job.divisions) adopted.push(await adoptDivision(store, originals, job, division))
  return adopted
}

async function adoptDivision(
  store: ObjectStore,
  originals: Originals,
  job: AdoptJob,
  division: DivisionFiles,
): Promise<AdoptedDivision> {
  const scratch = await store.scratch()
  const staged: StagedFile[] = []
  try {
    const files: OpenFile[] = []
    for (const input of division.files) {
      const file = await originals.stage(keyOf(job, input.path))
      staged.push(file)
      await demandSameBytes(input, file.file)
      files.push({ input, local: file.file })
    }
    return await withEngine(profileFor(division.files), scratch.folder, (engine) =>
      adoptFiles(engine, store, job, division, files, scratch.folder),
    )
  } catch (thrown) {
    throw asTooLarge(thrown, division)
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

async function adoptFiles(
  engine: Engine,
  store: ObjectStore,
  job: AdoptJob,
  division: DivisionFiles,
  files: readonly OpenFile[],
  scratch: string,
): Promise<AdoptedDivision> {
  for (const file of files) await demandFolderAgrees(engine, file)
  const registered = job.registers ? await registerFiles(engine, job, division.division, files) : []
  const taken = new Set(registered.map(({ path }) => path))
  const rest = files.filter(({ input }) => !taken.has(input.path) && input.rows > 0)
  const partsJob: PartsJob = { ...job, stored: [...job.columns, ...RAW_COLUMNS] }
  const finished = await copyFiles(engine, partsJob, job, division.division, rest, scratch)
  const named = registered.map(({ file }) => file)
  demandRows(job, division, [...named, ...finished])
  const { parts, kept } = await storeParts(store, partsJob, finished)
  return {
    division: division.division,
    rows: division.rows,
    parts: [...named, ...parts],
    kept,
    registered: named.length,
    copied: rest.length,
  }
}

/** All rows in one file of small row groups, then that within the budget: rows of one key share a part. */
async function copyFiles(
  engine: Engine,
  partsJob: PartsJob,
  job: AdoptJob,
  division: string,
  files: readonly OpenFile[],
  scratch: string,
): Promise<FinishedFile[]> {
  if (files.length === 0) return []
  const whole = join(scratch, 'division.parquet')
  const rows = rawRowsOfFilesSql(files, job.columns)
  await engine.run(`COPY (${rows}) TO ${literal(whole)} (${PARQUET_OPTIONS})`)
  return withinBudget(engine, partsJob, whole, division)
}

/** A row group of one huge page must be held whole; more memory than the lean profile is declared here, with its bound. */
function profileFor(files: readonly FileInput[]): EngineProfile {
  const largest = Math.max(0, ...files.map(({ rowGroupBytes }) => rowGroupBytes))
  if (largest <= LEAN_ROW_GROUP_BYTES) return LEAN
  const wanted = LEAN.memoryLimitMb + Math.ceil((4 * largest) / MIB) // pages double when they grow, and are read and decoded
  return { ...LEAN, memoryLimitMb: Math.min(MAX_ENGINE_MB, wanted) }
}

async function demandSameBytes({ path, sha256 }: FileInput, local: string): Promise<void> {
  const found = await sha256OfFile(local)
  if (found === sha256) return
  throw new WardbookError(
    'changed-during-read',
    'retry',
    `${path} changed while it was adopted; nothing was committed, adopt it again`,
    { file: path, before: sha256, after: found },
  )
}

/** A file that says another division than its folder is a mistake that no rule of ours can mend. */
async function demandFolderAgrees(engine: Engine, { input, local }: OpenFile): Promise<void> {
  for (const repeated of input.repeated) {
    const [found] = await engine.rows<{ rows: number; example: string | null }>(
      disagreeingRowsSql(local, repeated),
    )
    if (found === undefined || found.rows === 0) continue
    throw new WardbookError(
      'folder-disagrees',
      'fix-source',
      `${input.path}: ${found.rows} of ${input.rows} rows have another ${repeated.from} than their folder says ` +
        `('${found.example}', not '${repeated.value ?? ''}'); nothing was committed. Move them, or drop the column from the file`,
      { file: input.path, column: repeated.from, ...found, folder: repeated.value },
    )
  }
}

function demandRows(
  job: AdoptJob,
  { division, rows, files }: DivisionFiles,
  made: readonly Pick<NewFile, 'rows'>[],
): void {
  const written = made.reduce((sum, file) => sum + file.rows, 0)
  const counted = files.reduce((sum, file) => sum + file.rows, 0)
  if (written === counted && counted === rows) return
  throw new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}, division ${division}: the footers of ${files.length} files count ${counted} rows, the parts ${written}; ` +
      'nothing was committed',
    { table: job.table, division, counted, written },
  )
}

function asTooLarge(thrown: unknown, { division, files }: DivisionFiles): unknown {
  const error = asWardbookError(thrown)
  if (error.code !== 'engine-failed' || !error.message.includes('Out of Memory')) return thrown
  const largest = files.toSorted((a, b) => b.rowGroupBytes - a.rowGroupBytes)[0]
  return new WardbookError(
    'row-group-too-large',
    'shrink',
    `division ${division}: a row group of ${largest?.rowGroupBytes} bytes in ${largest?.path} does not fit into the ` +
      `${MAX_ENGINE_MB} MB that a worker may take: write the file anew with smaller row groups, such as 122,880 rows`,
    { division, file: largest?.path, rowGroupBytes: largest?.rowGroupBytes, maxEngineMb: MAX_ENGINE_MB },
    { cause: thrown },
  )
}
